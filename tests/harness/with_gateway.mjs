import { startGateway } from './gateway.mjs';

/** A gateway for one test. What `body` throws comes first; a bad end of the gateway fails a test that passed. */
export async function withGateway(options, body) {
  const gateway = await startGateway(options);
  try {
    await body(gateway);
  } catch (error) {
    await gateway.stop().catch(() => {});
    throw error;
  }
  await gateway.stop();
}
