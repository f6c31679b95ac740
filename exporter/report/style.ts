/** Layers and groups drawn and listed one by one: keeps the page under half a megabyte for any network. */
export const DRAWN = 160;

/** Light or dark as the reader has it, always light on paper; system fonts; every text at a contrast of 4.5 or more. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--bg:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d9dee4;--card:#f6f8fa;--a:#2f6fbf;--pale:#a3c3e8;--b:#c2410c;--bad:#b42318;--good:#1a7037;--s1:#5f90c9;--s2:#2b66b0;--s3:#173f70}
@media screen and (prefers-color-scheme:dark){:root{--bg:#0f1318;--ink:#e6eaef;--soft:#a3adb8;--line:#303842;--card:#181e25;--a:#5b9bea;--pale:#3a587c;--b:#f59e5b;--bad:#ff9b8f;--good:#6fd08c;--s1:#4a76a8;--s2:#7fb2f0;--s3:#dcebff}}
*{box-sizing:border-box}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--bg);margin:0;print-color-adjust:exact;-webkit-print-color-adjust:exact}
main{max-width:64rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.75rem;line-height:1.25;margin:0;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:3rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--line)}
p,figcaption{color:var(--soft);max-width:48rem;margin:.5rem 0}
.lead{color:var(--ink);font-size:1.1rem;margin:.5rem 0 0}
a{color:var(--a)}nav{margin:1.25rem 0;font-size:.9rem}nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;margin:0;padding:0}
:focus-visible{outline:2px solid var(--a);outline-offset:2px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.25rem,1fr));gap:.75rem;margin:1.5rem 0;padding:0}
.tiles>div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem .9rem}
dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-variant-numeric:tabular-nums}
dd.big{font-size:1.5rem;font-weight:650;line-height:1.3}dd.was{color:var(--soft);font-size:.85rem}
.bad{color:var(--bad)}.good{color:var(--good)}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.25rem 0 .4rem}caption span{position:sticky;left:0;display:inline-block;max-width:calc(100vw - 2.5rem)}
summary{cursor:pointer;color:var(--a);font-size:.9rem;margin:1rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem 1rem .35rem 0;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--soft);font-weight:600;white-space:nowrap}tbody th{font-weight:500;overflow-wrap:anywhere;min-width:6.5rem}
.number{color:var(--soft);display:inline-block;min-width:1.6em}.long{display:inline-block;min-width:min(12rem,40vw)}.n{text-align:right;white-space:nowrap}.n+td:not(.n),.n+th:not(.n){padding-left:1rem}
figure{margin:1rem 0}figcaption{font-size:.88rem}
.plot{padding:.5rem .5rem 1.75rem 3.25rem}svg{display:block;overflow:visible}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}svg text.name{fill:var(--ink);stroke:var(--bg);stroke-width:5px;stroke-linejoin:round;paint-order:stroke}
.grid{stroke:var(--line)}.path{stroke:var(--pale);stroke-width:2}
.a{fill:var(--a);background:var(--a)}.pale{fill:var(--pale);background:var(--pale)}.b{fill:var(--b);background:var(--b)}
.s1{fill:var(--s1);background:var(--s1)}.s2{fill:var(--s2);background:var(--s2)}.s3{fill:var(--s3);background:var(--s3)}
circle{stroke:var(--bg)}.mark{stroke:var(--b);stroke-width:2}
.key{margin-right:.9rem;color:var(--ink)}.key i{display:inline-block;width:.75rem;height:.75rem;margin-right:.35rem;border-radius:2px}.key i.round{border-radius:50%}
.key i.thin{height:.2rem;vertical-align:.25rem}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(10.5rem,50% - .7rem),1fr));gap:1rem 1.25rem}
.cards.wide{grid-template-columns:repeat(auto-fill,minmax(min(17rem,100%),1fr));gap:1.25rem 2rem}
.cards figure{margin:0;min-width:0}
.bars figcaption{color:var(--ink);font-weight:600;margin:0 0 .35rem}
.bars ol{list-style:none;margin:0;padding:0;font-size:.88rem;font-variant-numeric:tabular-nums}
.bars li{display:grid;grid-template-columns:1fr auto;gap:0 .75rem;margin-bottom:.4rem}
.bars b{font-weight:500}.bars span{overflow-wrap:anywhere}.bars li i{grid-column:1/-1;height:.4rem;border-radius:.2rem;background:var(--a);min-width:1px}
.layer svg{background:var(--card);border-radius:.25rem;overflow:hidden}
.layer figcaption{margin:.3rem 0 0;line-height:1.35;font-size:.8rem}.layer b{color:var(--ink);font-weight:600;overflow-wrap:anywhere}
.weights{fill:var(--pale)}.codes{stroke:var(--b);stroke-width:1.5;vector-effect:non-scaling-stroke;fill:none}
@media(max-width:30rem){th,td{padding-right:.6rem}table{font-size:.82rem}.n+td:not(.n),.n+th:not(.n){padding-left:.4rem}}
@media print{:root{color-scheme:light}main{max-width:none;padding:0}nav{display:none}.scroll{overflow:visible}details:not([open])::details-content{content-visibility:visible;height:auto}summary{display:none}h2{break-after:avoid}figure,tr,.tiles>div{break-inside:avoid}body{font-size:11pt}}
`;
