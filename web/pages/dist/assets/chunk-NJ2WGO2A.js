import{d as t}from"./chunk-BXG6MZAG.js";var a=1e3;function m(e,r,i=!1){return t(n=>e.get(r,{limit:a,cursor:n,archived:i||void 0}))}export{m as a};
