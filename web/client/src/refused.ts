/** An update that does not fit its mode or the state; `message` says why. */
export class Refused extends Error {
  override name = "Refused";
}
