/**
 * How pages look: in light and dark, by variables that the plots use too. Colours are those of Okabe and Ito, which people who do not
 * tell red from green can tell apart; lighter ones in the dark.
 *
 * @module
 */

/** The style sheet. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2127; --faint: #5d6672; --line: #d9dee4; --shade: #f4f6f8;
  --grey: #9aa3ad; --orange: #d98a00; --sky: #4ba3d8; --green: #009e73; --blue: #0072b2;
  --red: #d55e00; --pink: #c26b9d; --yellow: #b9a800;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e4e8ec; --faint: #9aa5b1; --line: #333b44; --shade: #1c2229;
    --grey: #77818c; --orange: #f0ab34; --sky: #7cc4ee; --green: #34c79b; --blue: #4f9fe0;
    --red: #f0843c; --pink: #de97be; --yellow: #e6d94a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.7rem; margin: 0; }
h2 { font-size: 1.3rem; margin: 3rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 2rem 0 .25rem; }
h4 { font-size: .95rem; margin: 1rem 0 .25rem; }
p { margin: .25rem 0; max-width: 48rem; }
code { font: .92em ui-monospace, monospace; overflow-wrap: anywhere; }
.faint, figcaption { color: var(--faint); font-size: .9rem; }
.good { color: var(--green); }
.bad { color: var(--red); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 1.25rem 0; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
figure svg { --plot-background: var(--paper); font-size: 12px; overflow: visible; }
.keys { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .3rem 0; font-size: .85rem; padding: 0; list-style: none; }
.keys i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
.scroll { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem .3rem 0; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--faint); vertical-align: bottom; }
td.number, th.number { text-align: right; }
td.text { white-space: normal; }
summary { cursor: pointer; margin: .75rem 0; }
details .scroll { max-height: 32rem; overflow-y: auto; }
`;
