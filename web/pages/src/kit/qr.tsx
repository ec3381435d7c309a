// A QR code as a picture, made in the browser: the library comes only when there is something to show.

import { useEffect, useState } from 'preact/hooks';

export function Qr({ text, label }: { text: string; label: string }) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    let made: string | undefined;
    let isWanted = true;
    void import('uqr').then(({ renderSVG }) => {
      if (!isWanted) return;
      made = URL.createObjectURL(new Blob([renderSVG(text, { ecc: 'M', border: 2 })], { type: 'image/svg+xml' }));
      setAddress(made);
    });
    return () => {
      isWanted = false;
      if (made) URL.revokeObjectURL(made);
    };
  }, [text]);
  return <div class="qr">{address && <img src={address} alt={label} />}</div>;
}
