// Draws a part again only when one of its values is another (compared one by one).

import { Component, h, type ComponentChild, type FunctionComponent } from 'preact';

export function memo<Props extends object>(Part: FunctionComponent<Props>): FunctionComponent<Props> {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      const before = this.props as Record<string, unknown>;
      return Object.entries(next).some(([name, value]) => name !== 'children' && value !== before[name]);
    }
    override render(props: Props): ComponentChild {
      return h(Part, props);
    }
  } as unknown as FunctionComponent<Props>;
}
