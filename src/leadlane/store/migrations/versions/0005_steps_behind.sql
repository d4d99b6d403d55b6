-- Which steps of its chase are behind, by their numbers as listed (from 0), not only how many: when somebody's
-- hours change, so may the order in which steps are due.

ALTER TABLE leads ALTER chased DROP DEFAULT;
-- There were never more than a few steps, and until now they were behind in order.
ALTER TABLE leads ALTER chased TYPE integer[] USING ('{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15}'::integer[])[1:chased];
ALTER TABLE leads ALTER chased SET DEFAULT '{}';
