/// Style sheets are imported as their minified text (web/build.mjs).
declare module '*.css' {
  const text: string;
  export default text;
}
