import{I as a,J as t,L as m}from"./chunk-Q5IXIECT.js";await t(async()=>a(m,{title:"mentor",children:a("p",{children:"…"})}));
