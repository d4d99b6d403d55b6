// What is left of each promise, counted on every second. The first text came from the server; this keeps its form.
(() => {
  const read = () => {
    const meta = document.querySelector('meta[name="countdown-words"]');
    return meta ? JSON.parse(meta.content) : { left: "{time}", over: "{time}" };
  };
  const two = (number) => String(number).padStart(2, "0");
  // The same as `left_words` of web/words.py.
  const left = (seconds) => {
    if (seconds < 600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
    if (hours < 1) return `${minutes} min`;
    return hours < 24 ? `${hours} h ${two(minutes % 60)}` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
  };
  const tick = () => {
    const words = read(), now = Date.now();
    for (const one of document.querySelectorAll("[data-countdown]")) {
      const seconds = Math.trunc((Date.parse(one.dateTime) - now) / 1000);
      const text = (seconds < 0 ? words.over : words.left).replace("{time}", left(Math.abs(seconds)));
      const tone = seconds < 0 ? "bad" : seconds < one.dataset.warn * 60 ? "warn" : "calm";
      const span = one.querySelector("span");
      if (span.textContent !== text) span.textContent = text;
      if (!one.classList.contains(tone)) {
        one.classList.remove("calm", "warn", "bad");
        one.classList.add(tone);
      }
    }
  };
  setInterval(() => document.hidden || tick(), 1000);
})();
