// A job worker as an integrator writes it: works one job of the given type, checks every answer strictly, then ends.
import createCamundaClient from "@camunda8/orchestration-cluster-api";

const [type] = process.argv.slice(2);
const client = createCamundaClient();
const topology = await client.getTopology();

const worker = client.createJobWorker({
  jobType: type,
  maxParallelJobs: 2,
  jobTimeoutMs: 60_000,
  pollIntervalMs: 50,
  jobHandler: async (job) => {
    const receipt = await job.complete({ seen: job.variables.order_id, header: job.customHeaders.channel });
    console.log(JSON.stringify({ jobKey: job.jobKey, brokers: topology.brokers.length }));
    setTimeout(() => {
      worker.stop();
      process.exit(0);
    }, 100);
    return receipt;
  },
});
