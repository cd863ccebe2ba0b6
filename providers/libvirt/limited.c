#include "limited.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <base/text.h>

/* Shared by the caller and the thread; the last one frees it. */
struct run {
  struct task task; /* first */
  const struct limited_work *work;
  struct binding words;
  json_t *in;
  atomic_bool given_up;
  pthread_mutex_t lock;
  pthread_cond_t finished;
  atomic_int refs;
  bool done; /* under lock */
  int result;
  json_t *out;
  struct err *err;
};

bool
task_is_given_up (const struct task *task)
{
  const struct run *run = (const struct run *)task;

  return atomic_load (&run->given_up);
}

static struct run *
run_new (const struct limited_work *work, const struct binding *b,
         const json_t *in)
{
  struct run *run = xcalloc (1, sizeof *run);
  pthread_condattr_t attr;

  run->work = work;
  run->in = json_deep_copy (in); /* the caller's may be gone before we are */
  run->words.provider = b->provider;
  run->words.account = xstrdup (b->account ? b->account : "");
  run->words.region = xstrdup (b->region ? b->region : "");
  atomic_init (&run->refs, 2);
  run->task.session = session_ref (b->handle);
  run->task.words = &run->words;
  run->task.in = run->in;
  pthread_mutex_init (&run->lock, NULL);
  pthread_condattr_init (&attr);
  pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
  pthread_cond_init (&run->finished, &attr);
  pthread_condattr_destroy (&attr);
  return run;
}

static void
run_unref (struct run *run)
{
  if (atomic_fetch_sub (&run->refs, 1) > 1)
    return;
  if (run->task.conn)
    virConnectClose (run->task.conn);
  session_unref (run->task.session);
  json_decref (run->in);
  json_decref (run->out);
  err_free (run->err);
  free (run->words.account);
  free (run->words.region);
  pthread_cond_destroy (&run->finished);
  pthread_mutex_destroy (&run->lock);
  free (run);
}

static void *
run_thread (void *opaque)
{
  struct run *run = opaque;
  virConnectPtr conn = session_connect (run->task.session, &run->err);

  pthread_mutex_lock (&run->lock);
  run->task.conn = conn;
  pthread_mutex_unlock (&run->lock);
  run->result = -1;
  if (conn && !atomic_load (&run->given_up))
    run->result = run->work->work (&run->task, &run->out, &run->err);
  /* The connection broke under a change: nobody knows whether it happened. */
  if (conn && run->result == -1 && run->work->changes &&
      virConnectIsAlive (conn) == 0 && run->err)
    run->err->code = ERR_UNKNOWN_EFFECT;
  pthread_mutex_lock (&run->lock);
  run->done = true;
  pthread_cond_signal (&run->finished);
  pthread_mutex_unlock (&run->lock);
  run_unref (run);
  return NULL;
}

static int
start_thread (struct run *run, struct err **err)
{
  pthread_attr_t attr;
  pthread_t thread;
  int failed;

  pthread_attr_init (&attr);
  pthread_attr_setdetachstate (&attr, PTHREAD_CREATE_DETACHED);
  failed = pthread_create (&thread, &attr, run_thread, run);
  pthread_attr_destroy (&attr);
  if (failed)
    return err_set_errno (err, failed, "libvirt: %s: thread", run->work->name);
  return 0;
}

static struct timespec
deadline_in (int64_t ms)
{
  struct timespec at;

  clock_gettime (CLOCK_MONOTONIC, &at);
  at.tv_sec += ms / 1000;
  at.tv_nsec += (ms % 1000) * 1000000;
  if (at.tv_nsec >= 1000000000) {
    at.tv_sec++;
    at.tv_nsec -= 1000000000;
  }
  return at;
}

/* Called with run->lock held, when the time is over. */
static int
give_up (struct run *run, struct err **err)
{
  CLEANUP_FREE char *limit = text_duration_ms (run->work->limit_ms);

  atomic_store (&run->given_up, true);
  session_abandon (run->task.session, run->task.conn);
  return err_set (err, run->work->changes ? ERR_UNKNOWN_EFFECT : ERR_TIMEOUT,
                  "%s: %s: no answer from libvirt in %s; a QEMU that hangs "
                  "does this: see virsh domcontrol",
                  run->words.account, run->work->name, limit);
}

int
limited_run (const struct limited_work *work, const struct binding *b,
             const json_t *in, json_t **out, struct err **err)
{
  struct run *run;
  struct timespec until = deadline_in (work->limit_ms);
  int result, waited = 0;

  if (b->handle == NULL)
    return err_set (err, ERR_INTERNAL, "libvirt: no connection was opened");
  run = run_new (work, b, in);
  if (start_thread (run, err) == -1) {
    atomic_store (&run->refs, 1); /* the thread's, too */
    run_unref (run);
    return -1;
  }
  pthread_mutex_lock (&run->lock);
  while (!run->done && waited != ETIMEDOUT)
    waited = pthread_cond_timedwait (&run->finished, &run->lock, &until);
  if (!run->done)
    result = give_up (run, err);
  else {
    result = run->result;
    *out = TAKE (run->out);
    if (run->err)
      err_move (err, TAKE (run->err));
  }
  pthread_mutex_unlock (&run->lock);
  run_unref (run);
  return result;
}
