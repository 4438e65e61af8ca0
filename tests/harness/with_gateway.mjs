import { startGateway } from './gateway.mjs';

/** A gateway for one test. What `body` throws comes first; a bad end of the gateway is told too. */
export async function withGateway(options, body) {
  const gateway = await startGateway(options);
  try {
    await body(gateway);
  } catch (error) {
    await gateway.stop().catch((end) => (error.message += `\nand at the gateway's end: ${end.message}`));
    throw error;
  }
  await gateway.stop();
}
