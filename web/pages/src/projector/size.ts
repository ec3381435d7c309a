// The room that an element has, as it changes.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Size {
  width: number;
  height: number;
}

/** A screen, until it is measured. */
const USUAL: Size = { width: 1_920, height: 1_080 };

/** The size of the element that the reference is given to; it may come later than the part that asks. */
export function useSize<Of extends HTMLElement>(): [(element: Of | null) => void, Size] {
  const [size, setSize] = useState(USUAL);
  const observer = useRef<ResizeObserver>(undefined);
  const take = useRef((element: Of | null): void => {
    observer.current?.disconnect();
    if (!element) return;
    observer.current = new ResizeObserver(([entry]) => {
      if (entry) setSize({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.current.observe(element);
  });
  useLayoutEffect(() => () => observer.current?.disconnect(), []);
  return [take.current, size];
}
