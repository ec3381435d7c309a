// A small line of figures, for the eye alone: the number stands beside it.

const WIDTH = 120;
const HEIGHT = 32;

export function Spark({ values }: { values: readonly (number | undefined)[] }) {
  const known = values.flatMap((value, at) => (value === undefined ? [] : [{ value, at }]));
  const top = Math.max(1e-9, ...known.map(({ value }) => value));
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = known.map(({ value, at }) => `${(at * step).toFixed(1)},${(HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1)}`);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points.join(' ')} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" />
    </svg>
  );
}
