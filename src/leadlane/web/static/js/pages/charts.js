// Charts in the colours of the page. What they say stands below each as numbers.
(() => {
  const token = (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };
  const drawn = new Map();
  const theme = () => {
    const ink = token("soft"), line = token("line");
    const axis = { axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, axisLabel: { color: ink }, splitLine: { lineStyle: { color: line } } };
    return {
      color: ["accent", "good", "warn", "bad", "info", "edge"].map(token),
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink },
      categoryAxis: { ...axis, splitLine: { show: false } }, valueAxis: { ...axis, axisLine: { show: false } }, timeAxis: axis,
      legend: { textStyle: { color: ink } },
      tooltip: { backgroundColor: token("raised"), borderColor: line, textStyle: { color: token("ink") } },
    };
  };
  const draw = () => {
    for (const [place, chart] of drawn) if (!place.isConnected) chart.dispose(), drawn.delete(place);
    for (const place of document.querySelectorAll("[data-chart]")) {
      drawn.get(place)?.dispose();
      const chart = echarts.init(place, theme());
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      chart.setOption({ animation: !still, animationDuration: 300, grid: { left: 8, right: 12, top: 24, bottom: 8, containLabel: true }, ...JSON.parse(place.dataset.chart) });
      drawn.set(place, chart);
    }
  };
  draw();
  addEventListener("resize", () => drawn.forEach((chart) => chart.resize()));
  document.addEventListener("htmx:after:swap", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
