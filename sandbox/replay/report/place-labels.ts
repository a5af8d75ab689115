// Where the labels of a scatter plot go, so that none covers another one or a point. Pure, greedy, in the order given.

export interface LabelledPoint {
  readonly x: number;
  readonly y: number;
  /** What the label may say, the longest first. */
  readonly texts: readonly string[];
  /** True = rather no label than one that stands off. */
  readonly close?: boolean;
}

export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface PlacedLabel {
  readonly text: string;
  /** Middle of the left edge. */
  readonly x: number;
  readonly y: number;
  /** Far enough from its point that a line should lead there. */
  readonly away: boolean;
}

interface Box extends Frame {
  readonly away: boolean;
}

/** Of 11 px type, on the safe side. */
export const CHARACTER_WIDTH = 6.4;
export const LINE_HEIGHT = 14;
const POINT_RADIUS = 5;
/** Lines of type that a label may stand off: only the shortest text is worth a long way. */
const NEAR = 1;
const FARTHEST = 4;

/** Null where no text of a point finds room. `lines` are covered only by a label that finds no other place. */
export function placeLabels(
  points: readonly LabelledPoint[],
  lines: readonly Frame[],
  frame: Frame,
): (PlacedLabel | null)[] {
  const taken: Frame[] = points.map(({ x, y }) => ({
    left: x - POINT_RADIUS,
    right: x + POINT_RADIUS,
    top: y - POINT_RADIUS,
    bottom: y + POINT_RADIUS,
  }));
  return points.map((point) => {
    for (const [index, text] of point.texts.entries()) {
      const steps = point.close === true ? 0 : index < point.texts.length - 1 ? NEAR : FARTHEST;
      const free = listBoxes(point, text.length * CHARACTER_WIDTH, steps).filter(
        (box) => isInside(box, frame) && !taken.some((other) => overlap(box, other)),
      );
      const box = free.find((box) => !lines.some((line) => overlap(box, line))) ?? free[0];
      if (box === undefined) continue;
      taken.push(box);
      return { text, x: box.left, y: box.top + LINE_HEIGHT / 2, away: box.away };
    }
    return null;
  });
}

/** Right, left, above and below the point; then the same farther and farther away. */
function listBoxes({ x, y }: LabelledPoint, width: number, steps: number): Box[] {
  const boxes: Box[] = [];
  for (let step = 0; step <= steps; step++) {
    const reach = POINT_RADIUS + 2 + step * LINE_HEIGHT;
    const near = POINT_RADIUS + 2;
    const spots: [left: number, middle: number][] =
      step === 0
        ? [
            [x + near, y],
            [x - near - width, y],
            [x - width / 2, y - near - LINE_HEIGHT / 2],
            [x - width / 2, y + near + LINE_HEIGHT / 2],
          ]
        : [
            [x + near, y - reach],
            [x + near, y + reach],
            [x - near - width, y - reach],
            [x - near - width, y + reach],
            [x + reach, y],
            [x - reach - width, y],
          ];
    for (const [left, middle] of spots) {
      const [top, bottom] = [middle - LINE_HEIGHT / 2, middle + LINE_HEIGHT / 2];
      boxes.push({ left, right: left + width, top, bottom, away: step > 0 });
    }
  }
  return boxes;
}

function overlap(a: Frame, b: Frame): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function isInside(box: Frame, frame: Frame): boolean {
  return box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
}
