/**
 * Both clocks of the page, which a test can move. `wall` and `steady` are added, in milliseconds.
 * A reload keeps the wall clock. `performance.now()` starts again.
 */
const realDate = Date;
const realNow = performance.now.bind(performance);
const offsets = { wall: Number(sessionStorage.getItem("wall")), steady: 0 };
addEventListener("pagehide", () => sessionStorage.setItem("wall", offsets.wall));

globalThis.Date = class extends realDate {
  constructor(...given) {
    if (given.length) super(...given);
    else super(realDate.now() + offsets.wall);
  }
  static now() {
    return realDate.now() + offsets.wall;
  }
};
performance.now = () => realNow() + offsets.steady;

/**
 * The laptop sleeps: no code of the page runs for `real` milliseconds. Then the wall clock has moved by `hours`,
 * and `performance.now()` has not.
 */
function sleepLaptop(hours, real = 1500) {
  const end = realNow() + real;
  while (realNow() < end);
  offsets.wall += hours * 3600_000 - real;
  offsets.steady -= real;
}

/** Time passes for both clocks, but no timer runs. */
function passTime(milliseconds) {
  offsets.wall += milliseconds;
  offsets.steady += milliseconds;
}
