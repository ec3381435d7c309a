// PINs, as the node makes them.

import type { HomeroomHttp } from 'homeroom-sdk';

/** Gives a person a PIN; the one before ends. */
export async function newPin(http: HomeroomHttp, id: number): Promise<string> {
  return (await http.request<{ pin: string }>('POST', `/users/${id}/pin`, { body: {} })).data.pin;
}
