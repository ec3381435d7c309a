// A chart with the same figures as a table behind it. The library comes when the first chart is shown.

import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { tick } from '../kit/i18n.js';
import { w } from '../kit/words.js';
import 'uplot/dist/uPlot.min.css';

export interface Series {
  label: string;
  values: readonly (number | null)[];
  /** How a value is written in the table. */
  text(value: number): string;
}

const HEIGHT = 220;

/** Lines over time: `times` are RFC 3339. */
export function Chart({ caption, when, times, labels, series }: {
  caption: string;
  when: string;
  times: readonly string[];
  labels: readonly string[];
  series: readonly Series[];
}) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => draw(box.current as HTMLDivElement, times, series), [times, series]);
  return (
    <figure class="chart">
      <figcaption>{caption}</figcaption>
      <div ref={box} aria-hidden="true" />
      <ul class="chart-keys" aria-hidden="true">{series.map(({ label }, index) => <li key={label} class={`chart-key chart-key-${index}`}>{label}</li>)}</ul>
      <details>
        <summary>{w('chart.table')}<span class="hidden">: {caption}</span></summary>
        <Table head={[when, ...series.map(({ label }) => label)]} rows={labels.map((label, index) => [label, ...series.map(({ values, text }) => written(values[index], text))])} />
      </details>
    </figure>
  );
}

const written = (value: number | null | undefined, text: (value: number) => string): string => (value == null ? '–' : text(value));

/** Draws, and draws anew when there is another width; gives what ends it. */
function draw(box: HTMLDivElement, times: readonly string[], series: readonly Series[]): () => void {
  let plot: uPlot | undefined;
  let isWanted = true;
  const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  void import('uplot').then(({ default: UPlot }) => {
    if (!isWanted) return;
    const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 } };
    const isShort = times.length > 1 && Date.parse(times.at(-1) ?? '') - Date.parse(times[0] ?? '') < 3 * 86_400_000;
    const colours = ['--accent', '--good', '--warn', '--bad'].map(colour);
    const data = [times.map((time) => Date.parse(time) / 1_000), ...series.map(({ values }) => [...values])] as uPlot.AlignedData;
    plot = new UPlot({
      width: Math.max(240, box.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      axes: [{ ...axis, values: (_, moments) => moments.map((moment) => tick(1_000 * moment, isShort)) }, axis],
      scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
      series: [{}, ...series.map(({ label }, index) => ({ label, stroke: colours[index % colours.length] ?? '', width: 2, points: { show: times.length < 60 } }))],
    }, data, box);
  });
  const resized = new ResizeObserver(() => plot?.setSize({ width: Math.max(240, box.clientWidth), height: HEIGHT }));
  resized.observe(box);
  return () => {
    isWanted = false;
    resized.disconnect();
    plot?.destroy();
  };
}

/** Rows of texts; the first column names the row. */
export function Table({ caption, head, rows }: { caption?: string; head: readonly string[]; rows: readonly (readonly string[])[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption ?? head[0]}>
      <table>
        {caption && <caption>{caption}</caption>}
        <thead><tr>{head.map((text, index) => <th key={text} scope="col" class={index > 0 ? 'number' : ''}>{text}</th>)}</tr></thead>
        <tbody>
          {rows.map((row, place) => (
            <tr key={place}>
              {row.map((text, index) => (index === 0 ? <th key={index} scope="row"><bdi>{text}</bdi></th> : <td key={index} class="number">{text}</td>))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
