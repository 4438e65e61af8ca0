// Writes one JSON line for each finished test: {name, file, passed, proves, guard}.

export default async function* reporter(source) {
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, file, skip, todo } = event.data;
    const tag = name.match(/^\[((?:F\d{3}b? ?)+)(?:guard=(\w+))?\] /);
    yield `${JSON.stringify({
      name,
      file,
      passed: event.type === 'test:pass' && !skip && !todo,
      proves: tag ? tag[1].trim().split(' ') : [],
      guard: tag?.[2] ?? null,
    })}\n`;
  }
}
