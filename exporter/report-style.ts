/** Light, system fonts, readable on paper. */
export const REPORT_STYLE = `
body{font:15px/1.5 system-ui,sans-serif;color:#1c2024;background:#fff;margin:0}
main{max-width:60rem;margin:0 auto;padding:2rem 1rem}
h1{font-size:1.6rem;margin:0 0 1rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #e4e7eb}
th{font-weight:600;color:#5b6470}p{color:#5b6470}
svg{width:100%;height:auto}svg text{font:10px system-ui,sans-serif;fill:#5b6470}`;
