/** Signs that would stand on one another are moved apart. */

const ROUNDS = 16;
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

/**
 * How far each sign moves so that the middles of no two of them are nearer than `room`, as far as that can be had.
 *
 * @param {{x: number, y: number, stays: boolean}[]} signs in pixels; those that stay keep their place, and the others keep clear of them
 * @param {number} room
 * @returns {{x: number, y: number}[]} none longer than `room`
 */
export function apart(signs, room) {
  const moves = signs.map(() => ({ x: 0, y: 0 }));
  for (let round = 0; round < ROUNDS; round += 1) {
    let isCrowded = false;
    for (let i = 0; i < signs.length; i += 1)
      for (let j = 0; j < i; j += 1) {
        const shares = (signs[i].stays ? 0 : 1) + (signs[j].stays ? 0 : 1);
        const dx = signs[i].x + moves[i].x - signs[j].x - moves[j].x;
        const dy = signs[i].y + moves[i].y - signs[j].y - moves[j].y;
        const distance = Math.hypot(dx, dy);
        if (!shares || distance >= room) continue;
        isCrowded = true;
        const step = (room - distance) / shares;
        // From the very same place, each in a direction of its own.
        const [x, y] = distance ? [dx / distance, dy / distance] : [Math.cos(i * GOLDEN), Math.sin(i * GOLDEN)];
        if (!signs[i].stays) push(moves[i], x * step, y * step, room);
        if (!signs[j].stays) push(moves[j], -x * step, -y * step, room);
      }
    if (!isCrowded) break;
  }
  return moves;
}

function push(move, x, y, most) {
  const length = Math.hypot(move.x + x, move.y + y);
  const scale = Math.min(1, most / (length || 1));
  move.x = (move.x + x) * scale;
  move.y = (move.y + y) * scale;
}
