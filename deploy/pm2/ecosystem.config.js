// Workers under PM2: adjust the first three lines, then `pm2 start deploy/pm2/ecosystem.config.js && pm2 save`.
// DATABASE_URL, RABBITMQ_URL and BACKFILL_APP come from the shell that gives `pm2 start` (later `restart --update-env`).
// PM2 keeps that environment, passwords too, in ~/.pm2: nobody else may read there.
const WORKERS = 4;
const FOLDER = '/srv/app';
const LOGS = '/var/log/backfill';

const worker = (_, index) => {
  const number = String(index + 1).padStart(2, '0');
  return {
    name: `backfill-worker_${number}`,
    namespace: 'backfill', // all of them: pm2 stop backfill
    cwd: FOLDER,
    script: `${FOLDER}/.venv/bin/backfill-worker`,
    // one port of metrics a process: 9401, 9402, ...
    args: `--metrics-port=94${number}`,
    interpreter: 'none',
    exec_mode: 'fork',
    env: { PYTHONUNBUFFERED: '1' },

    // A worker ends with 0 when somebody else asked it to: it is wanted back all the same. A wrong call or setting (2),
    // and tables that are not as they must be (6), do not mend themselves.
    autorestart: true,
    stop_exit_codes: [2, 6],
    exp_backoff_restart_delay: 200, // ms; grows to 15 s, so a database that is away at boot is waited for
    min_uptime: 2000, // ms

    // INT drains: 20 s for what is in hand (BACKFILL_DRAIN_SECONDS), some seconds more to say good-bye to both services.
    // To the worker alone and once: a second signal ends it at once.
    kill_timeout: 45000, // ms
    treekill: false,

    out_file: `${LOGS}/backfill-worker_${number}.log`,
    error_file: `${LOGS}/backfill-worker_${number}.log`,
  };
};

module.exports = { apps: Array.from({ length: WORKERS }, worker) };
