#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <base/vec.h>

#define LEAVE_HANGING_AFTER_S 5

DEFINE_VEC (struct pool_task, task_vec);
DEFINE_VEC (struct completion, completion_vec);

struct pool {
  pthread_mutex_t lock;
  pthread_cond_t work;
  struct task_vec waiting;
  struct completion_vec done;
  pthread_t *threads;
  unsigned n_threads;
  int fd;
  bool ending;
};

static void
wake (struct pool *pool)
{
  uint64_t one = 1;

  while (write (pool->fd, &one, sizeof one) == -1 && errno == EINTR)
    ;
}

static void *
work (void *opaque)
{
  struct pool *pool = opaque;

  pthread_mutex_lock (&pool->lock);
  for (;;) {
    struct pool_task task;
    struct completion completion = {.last = true};

    while (pool->waiting.len == 0 && !pool->ending)
      pthread_cond_wait (&pool->work, &pool->lock);
    if (pool->ending)
      break;
    task = task_vec_remove (&pool->waiting, 0);
    pthread_mutex_unlock (&pool->lock);
    completion.id = task.id;
    task.run (&task, &completion.out, &completion.err);
    json_decref (task.in);
    pthread_mutex_lock (&pool->lock);
    completion_vec_push (&pool->done, completion);
    wake (pool);
  }
  pthread_mutex_unlock (&pool->lock);
  return NULL;
}

struct pool *
pool_new (unsigned threads)
{
  struct pool *pool = xcalloc (1, sizeof *pool);
  sigset_t all, before;

  pthread_mutex_init (&pool->lock, NULL);
  pthread_cond_init (&pool->work, NULL);
  pool->fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (pool->fd == -1)
    abort ();
  pool->threads = xcalloc (threads, sizeof *pool->threads);
  /* Signals are for the engine's thread. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  for (; pool->n_threads < threads; pool->n_threads++)
    if (pthread_create (&pool->threads[pool->n_threads], NULL, work, pool) != 0)
      abort ();
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return pool;
}

bool
pool_free (struct pool *pool)
{
  struct timespec limit;
  bool hanging = false;

  if (pool == NULL)
    return true;
  pthread_mutex_lock (&pool->lock);
  pool->ending = true;
  pthread_cond_broadcast (&pool->work);
  pthread_mutex_unlock (&pool->lock);
  clock_gettime (CLOCK_REALTIME, &limit);
  limit.tv_sec += LEAVE_HANGING_AFTER_S;
  for (unsigned i = 0; i < pool->n_threads; i++)
    if (pthread_timedjoin_np (pool->threads[i], NULL, &limit) != 0)
      hanging = true;
  if (hanging)
    return false; /* a thread still uses the pool */
  for (size_t i = 0; i < pool->waiting.len; i++)
    json_decref (pool->waiting.ptr[i].in);
  task_vec_release (&pool->waiting);
  for (size_t i = 0; i < pool->done.len; i++)
    completion_release (&pool->done.ptr[i]);
  completion_vec_release (&pool->done);
  close (pool->fd);
  pthread_cond_destroy (&pool->work);
  pthread_mutex_destroy (&pool->lock);
  free (pool->threads);
  free (pool);
  return true;
}

void
pool_submit (struct pool *pool, struct pool_task task)
{
  pthread_mutex_lock (&pool->lock);
  task_vec_push (&pool->waiting, task);
  pthread_cond_signal (&pool->work);
  pthread_mutex_unlock (&pool->lock);
}

bool
pool_collect (struct pool *pool, struct completion *completion)
{
  uint64_t count;
  bool got;

  pthread_mutex_lock (&pool->lock);
  got = pool->done.len > 0;
  if (got)
    *completion = completion_vec_remove (&pool->done, 0);
  else
    (void)!read (pool->fd, &count, sizeof count);
  pthread_mutex_unlock (&pool->lock);
  return got;
}

int
pool_fd (const struct pool *pool)
{
  return pool->fd;
}
