#include "key-desk.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <base/vec.h>
#include <protocol/protocol.h>

#define THREADS     4
#define FREE_WAIT_S 2

struct question {
  char *agent, *id, *vm_id, *vm_name;
  json_t *volumes; /* no other thread has a reference to it */
};
DEFINE_VEC (struct question, question_vec);
DEFINE_VEC (struct key_reply, reply_vec);

struct key_desk {
  struct key_sources *sources;
  pthread_t threads[THREADS];
  unsigned started;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool stop;
  struct question_vec questions;
  struct reply_vec replies;
  int fd;
};

static void
question_release (struct question *q)
{
  free (q->agent);
  free (q->id);
  free (q->vm_id);
  free (q->vm_name);
  json_decref (q->volumes);
}

void
key_reply_release (struct key_reply *reply)
{
  free (TAKE (reply->agent));
  json_decref (TAKE (reply->message));
}

static struct key_reply
answer (const struct key_desk *desk, struct question *q)
{
  struct key_reply reply = {TAKE (q->agent), message_new ("request", "keys")};
  json_t *found =
      key_sources_find (desk->sources, q->volumes, q->vm_id, q->vm_name);

  json_put_str (reply.message, "id", q->id);
  json_object_update (reply.message, found);
  json_decref (found);
  return reply;
}

static void *
serve (void *opaque)
{
  struct key_desk *desk = opaque;

  pthread_mutex_lock (&desk->mutex);
  while (!desk->stop) {
    struct question q;
    struct key_reply reply;

    if (desk->questions.len == 0) {
      pthread_cond_wait (&desk->changed, &desk->mutex);
      continue;
    }
    q = question_vec_remove (&desk->questions, 0);
    pthread_mutex_unlock (&desk->mutex);
    reply = answer (desk, &q);
    question_release (&q);
    pthread_mutex_lock (&desk->mutex);
    reply_vec_push (&desk->replies, reply);
    (void)eventfd_write (desk->fd, 1);
  }
  pthread_mutex_unlock (&desk->mutex);
  return NULL;
}

struct key_desk *
key_desk_new (struct key_sources *sources)
{
  struct key_desk *desk = xcalloc (1, sizeof *desk);

  desk->sources = sources;
  desk->fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (desk->fd == -1)
    abort ();
  pthread_mutex_init (&desk->mutex, NULL);
  pthread_cond_init (&desk->changed, NULL);
  return desk;
}

/* A thread that hangs in a source is left, and with it what it uses: the
 * process is about to end. */
static bool
stop_threads (struct key_desk *desk)
{
  struct timespec until;
  bool all = true;

  pthread_mutex_lock (&desk->mutex);
  desk->stop = true;
  pthread_cond_broadcast (&desk->changed);
  pthread_mutex_unlock (&desk->mutex);
  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += FREE_WAIT_S;
  for (unsigned i = 0; i < desk->started; i++)
    if (pthread_timedjoin_np (desk->threads[i], NULL, &until) != 0) {
      pthread_detach (desk->threads[i]);
      all = false;
    }
  return all;
}

void
key_desk_free (struct key_desk *desk)
{
  if (desk == NULL || !stop_threads (desk))
    return;
  for (size_t i = 0; i < desk->questions.len; i++)
    question_release (&desk->questions.ptr[i]);
  for (size_t i = 0; i < desk->replies.len; i++)
    key_reply_release (&desk->replies.ptr[i]);
  question_vec_release (&desk->questions);
  reply_vec_release (&desk->replies);
  key_sources_free (desk->sources);
  close (desk->fd);
  pthread_mutex_destroy (&desk->mutex);
  pthread_cond_destroy (&desk->changed);
  free (desk);
}

void
cleanup_key_desk (struct key_desk **desk)
{
  key_desk_free (*desk);
}

void
key_desk_ask (struct key_desk *desk, const char *agent, const json_t *event,
              const char *vm_id, const char *vm_name)
{
  struct question q = {.agent = xstrdup (agent),
                       .id = xstrdup (json_str (event, "id", "")),
                       .vm_id = vm_id ? xstrdup (vm_id) : NULL,
                       .vm_name = vm_name ? xstrdup (vm_name) : NULL,
                       .volumes =
                           json_deep_copy (json_object_get (event, "volumes"))};

  pthread_mutex_lock (&desk->mutex);
  question_vec_push (&desk->questions, q);
  if (desk->started < THREADS &&
      pthread_create (&desk->threads[desk->started], NULL, serve, desk) == 0)
    desk->started++;
  pthread_cond_signal (&desk->changed);
  pthread_mutex_unlock (&desk->mutex);
}

bool
key_desk_collect (struct key_desk *desk, struct key_reply *reply)
{
  eventfd_t seen;
  bool any = false;

  if (desk == NULL)
    return false;
  pthread_mutex_lock (&desk->mutex);
  if (desk->replies.len) {
    *reply = reply_vec_remove (&desk->replies, 0);
    any = true;
  }
  if (desk->replies.len == 0)
    (void)eventfd_read (desk->fd, &seen);
  pthread_mutex_unlock (&desk->mutex);
  return any;
}

int
key_desk_fd (const struct key_desk *desk)
{
  return desk ? desk->fd : -1;
}
