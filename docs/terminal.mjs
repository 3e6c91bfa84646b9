#!/usr/bin/env node
// Turns a terminal's text (with ANSI colours) into an SVG picture: node terminal.mjs < text > picture.svg
import { readFileSync } from 'node:fs';

const COLOURS = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 34: '#79c0ff', 35: '#d2a8ff', 36: '#56d4dd' };
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const lines = readFileSync(0, 'utf8').trimEnd().split('\n');
const [width, height, size] = [8.4, 19, 14];
let widest = 0;
const rows = lines.map((line, row) => {
  let [style, column, spans] = ['', 0, ''];
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    const codes = part.match(/^\x1b\[([0-9;]*)m$/)?.[1].split(';');
    if (codes) {
      const colour = COLOURS[codes.find((code) => COLOURS[code])];
      style = (colour ? ` fill="${colour}"` : '') + (codes.includes('1') ? ' font-weight="bold"' : '') + (codes.includes('2') ? ' opacity="0.6"' : '');
    } else if (part) {
      spans += `<tspan x="${(16 + column * width).toFixed(1)}"${style} xml:space="preserve">${escape(part)}</tspan>`;
      column += part.length;
    }
  }
  widest = Math.max(widest, column);
  return `<text y="${30 + row * height}">${spans}</text>`;
});
const [w, h] = [Math.ceil(32 + widest * width), 26 + lines.length * height + 10];
console.log(`<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img" aria-label="A schema check that fails">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="${size}" fill="#e6edf3">
${rows.join('\n')}
</g>
</svg>`);
