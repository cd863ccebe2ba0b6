/* Changes that come by themselves: a heap by time, then by order of birth, so
 * that a run is the same whenever the clients happen to look. */

#include "cloud.h"

static bool
earlier (const struct fake_timer *a, const struct fake_timer *b)
{
  if (a->due_ms != b->due_ms)
    return a->due_ms < b->due_ms;
  return a->number < b->number;
}

static void
swap (struct fake_timer *a, struct fake_timer *b)
{
  struct fake_timer c = *a;

  *a = *b;
  *b = c;
}

static void
sift_up (struct fake_timers *heap, size_t i)
{
  while (i > 0 && earlier (&heap->ptr[i], &heap->ptr[(i - 1) / 2])) {
    swap (&heap->ptr[i], &heap->ptr[(i - 1) / 2]);
    i = (i - 1) / 2;
  }
}

static void
sift_down (struct fake_timers *heap, size_t i)
{
  for (;;) {
    size_t least = i;

    for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
      if (child < heap->len && earlier (&heap->ptr[child], &heap->ptr[least]))
        least = child;
    if (least == i)
      return;
    swap (&heap->ptr[i], &heap->ptr[least]);
    i = least;
  }
}

void
fake_after (struct fake_cloud *cloud, struct fake_object *object,
            int64_t after_ms, const char *name,
            void (*fire) (struct fake_cloud *, struct fake_object *, json_t *),
            json_t *arg_taken)
{
  struct fake_timer timer = {
      cloud->now_ms + (after_ms > 0 ? after_ms : 0),
      cloud->timer_number++,
      name,
      object,
      fire,
      arg_taken ? arg_taken : json_object (),
  };

  fake_timers_push (&cloud->timers, timer);
  sift_up (&cloud->timers, cloud->timers.len - 1);
}

void
fake_call_after (struct fake_call *call, struct fake_object *object,
                 int64_t after_ms, const char *name,
                 void (*fire) (struct fake_cloud *, struct fake_object *,
                               json_t *),
                 json_t *arg_taken)
{
  const char *what = json_str (call->fault, "what", "");
  json_t *arg = arg_taken ? arg_taken : json_object ();

  if (strcmp (what, "never-ends") == 0) {
    json_decref (arg);
    return;
  }
  if (strcmp (what, "slow-change") == 0)
    after_ms += json_int (call->fault, "delay_ms", 60000);
  if (strcmp (what, "late-failure") == 0)
    json_object_set_new (arg, "failed", json_true ());
  fake_after (call->cloud, object, after_ms, name, fire, arg);
}

static struct fake_timer
take_first (struct fake_timers *heap)
{
  struct fake_timer first = heap->ptr[0];

  heap->ptr[0] = heap->ptr[--heap->len];
  sift_down (heap, 0);
  return first;
}

void
fake_timers_cancel (struct fake_cloud *cloud, const struct fake_object *object,
                    const char *name)
{
  struct fake_timers *heap = &cloud->timers;
  size_t kept = 0;

  for (size_t i = 0; i < heap->len; i++) {
    if (heap->ptr[i].object == object &&
        (name == NULL || strcmp (heap->ptr[i].name, name) == 0))
      json_decref (heap->ptr[i].arg);
    else
      heap->ptr[kept++] = heap->ptr[i];
  }
  if (kept == heap->len)
    return;
  heap->len = kept;
  for (size_t i = heap->len / 2; i-- > 0;)
    sift_down (heap, i);
}

void
fake_run_timers (struct fake_cloud *cloud)
{
  int64_t until =
      (int64_t)((double)(clock_now_ms (cloud->clock) - cloud->clock_start_ms) *
                cloud->speed) +
      cloud->offset_ms;

  while (cloud->timers.len && cloud->timers.ptr[0].due_ms <= until) {
    struct fake_timer timer = take_first (&cloud->timers);

    /* Each change sees the time at which it was due. */
    if (timer.due_ms > cloud->now_ms)
      cloud->now_ms = timer.due_ms;
    timer.fire (cloud, timer.object, timer.arg);
    json_decref (timer.arg);
  }
  if (until > cloud->now_ms)
    cloud->now_ms = until;
}

int64_t
fake_cloud_next_change_ms (struct fake_cloud *cloud)
{
  fake_run_timers (cloud);
  if (cloud->timers.len == 0)
    return -1;
  return cloud->timers.ptr[0].due_ms - cloud->now_ms;
}

void
fake_timers_free (struct fake_cloud *cloud)
{
  for (size_t i = 0; i < cloud->timers.len; i++)
    json_decref (cloud->timers.ptr[i].arg);
  fake_timers_release (&cloud->timers);
}
