#include "helpers.h"

#include <string.h>

#include <base/vec.h>
#include <providers/vm.h>

/* Lost so often without having done anything, it is as good as dead, even if it
 * comes back each time. */
#define MOST_LOSSES 6
/* What is lost within so short a time was lost at once. */
#define SAME_LOSS_MS 2000

struct slot {
  char *name;
  struct job *holder; /* NULL: it is free; else see is_free */
  bool blocked;       /* something else has it */
};
DEFINE_VEC (struct slot, slot_vec);

struct helper {
  char *name, *devices;
  const struct binding *binding;
  json_t *record;
  struct slot_vec slots;
  bool remote;
  int64_t lost_since_ms; /* not heard since then; -1: it was */
  int64_t lost_last_ms;
  unsigned losses; /* since it last brought something to its end */
  bool dead;
  char *why; /* how it was lost last */
};
DEFINE_VEC (struct helper *, helper_vec);

struct helpers {
  struct helper_vec all;
};

struct helpers *
helpers_new (void)
{
  return xcalloc (1, sizeof (struct helpers));
}

void
helpers_free (struct helpers *helpers)
{
  if (helpers == NULL)
    return;
  for (size_t i = 0; i < helpers->all.len; i++) {
    struct helper *helper = helpers->all.ptr[i];

    for (size_t j = 0; j < helper->slots.len; j++)
      free (helper->slots.ptr[j].name);
    slot_vec_release (&helper->slots);
    json_decref (helper->record);
    free (helper->name);
    free (helper->devices);
    free (helper->why);
    free (helper);
  }
  helper_vec_release (&helpers->all);
  free (helpers);
}

static struct helper *
helper_of (const struct helpers *helpers, const char *name)
{
  for (size_t i = 0; helpers && i < helpers->all.len; i++)
    if (strcmp (helpers->all.ptr[i]->name, name) == 0)
      return helpers->all.ptr[i];
  return NULL;
}

static struct slot *
slot_of (struct helper *helper, const char *name)
{
  struct slot slot = {.name = NULL};

  for (size_t i = 0; i < helper->slots.len; i++)
    if (strcmp (helper->slots.ptr[i].name, name) == 0)
      return &helper->slots.ptr[i];
  slot.name = xstrdup (name);
  slot_vec_push (&helper->slots, slot);
  return &helper->slots.ptr[helper->slots.len - 1];
}

void
helpers_add (struct helpers *helpers, const char *name, const char *devices,
             const struct binding *binding, const json_t *record,
             const json_t *slots)
{
  struct helper *helper = helper_of (helpers, name);
  json_t *slot;
  size_t i;

  if (helper == NULL) {
    helper = xcalloc (1, sizeof *helper);
    helper->name = xstrdup (name);
    helper->devices = xstrdup (devices);
    helper->binding = binding;
    helper->lost_since_ms = -1;
    helper_vec_push (&helpers->all, helper);
    json_array_foreach (slots, i, slot)
        slot_of (helper, json_string_value (slot));
  }
  json_decref (helper->record);
  helper->record = json_deep_copy (record);
}

void
helpers_set_remote (struct helpers *helpers, const char *name)
{
  struct helper *helper = helper_of (helpers, name);

  if (helper)
    helper->remote = true;
}

static void
keep_why (struct helper *helper, const char *why)
{
  free (helper->why);
  helper->why = xstrdup (why);
}

void
helpers_note_lost (struct helpers *helpers, const char *name, int64_t now_ms,
                   const char *why)
{
  struct helper *helper = helper_of (helpers, name);

  if (helper == NULL)
    return;
  /* All jobs of a helper hear of the same loss. */
  if (helper->losses == 0 || now_ms - helper->lost_last_ms >= SAME_LOSS_MS)
    helper->losses++;
  helper->lost_last_ms = now_ms;
  if (helper->lost_since_ms < 0)
    helper->lost_since_ms = now_ms;
  if (!helper->dead)
    keep_why (helper, why);
}

void
helpers_note_alive (struct helpers *helpers, const char *name, bool done)
{
  struct helper *helper = helper_of (helpers, name);

  if (helper == NULL)
    return;
  helper->lost_since_ms = -1;
  helper->dead = false;
  if (done)
    helper->losses = 0;
}

void
helpers_note_dead (struct helpers *helpers, const char *name, const char *why)
{
  struct helper *helper = helper_of (helpers, name);

  if (helper == NULL)
    return;
  helper->dead = true;
  keep_why (helper, why);
}

const char *
helpers_dead (const struct helpers *helpers, const char *name, int64_t now_ms,
              int64_t lost_ms)
{
  struct helper *helper = helper_of (helpers, name);

  if (helper == NULL)
    return "it is not known any more";
  if (helper->lost_since_ms >= 0 &&
      (now_ms - helper->lost_since_ms >= lost_ms ||
       helper->losses >= MOST_LOSSES))
    helper->dead = true;
  return helper->dead ? helper->why : NULL;
}

void
helpers_block (struct helpers *helpers, struct job *job, bool all)
{
  struct helper *helper =
      helper_of (helpers, json_str (job->facts, "helper.name", ""));

  for (size_t i = 0; helper && i < helper->slots.len; i++) {
    struct slot *slot = &helper->slots.ptr[i];

    if (slot->holder == job || (all && slot->holder == NULL))
      slot->blocked = true;
  }
  helpers_release (helpers, job);
}

const json_t *
helpers_record (const struct helpers *helpers, const char *name)
{
  const struct helper *helper = helper_of (helpers, name);

  return helper ? helper->record : NULL;
}

const json_t *
helpers_any (const struct helpers *helpers, const struct binding *binding)
{
  for (size_t i = 0; helpers && i < helpers->all.len; i++)
    if (helpers->all.ptr[i]->binding == binding)
      return helpers->all.ptr[i]->record;
  return NULL;
}

bool
helpers_include (const struct helpers *helpers, const json_t *vm)
{
  CLEANUP_FREE char *key = vm_key (vm);

  for (size_t i = 0; helpers && i < helpers->all.len; i++) {
    CLEANUP_FREE char *other = vm_key (helpers->all.ptr[i]->record);

    if (strcmp (key, other) == 0)
      return true;
  }
  return false;
}

static bool
serves (const struct helper *helper, const struct binding *binding,
        const json_t *vm)
{
  return helper->binding == binding &&
         strcmp (json_str (helper->record, "zone", ""),
                 json_str (vm, "zone", "")) == 0;
}

bool
helpers_serve (const struct helpers *helpers, const struct binding *binding,
               const json_t *vm)
{
  for (size_t i = 0; i < helpers->all.len; i++)
    if (serves (helpers->all.ptr[i], binding, vm) &&
        helpers->all.ptr[i]->slots.len)
      return true;
  return false;
}

/* May its disk be at a helper?  Not any more once it is on its way back into
 * its VM, and not again before it has left that. */
static bool
uses_slot (const struct job *job)
{
  bool at_helper = false;
  json_t *item;
  size_t i;

  if (job->phase != PHASE_ENDED && job->phase != PHASE_WAITING)
    return true; /* it is at work, and needs what it has claimed */
  json_array_foreach (json_at (job->facts, "undo"), i, item)
  {
    const char *step = json_string_value (item);

    if (strcmp (step, "attach-helper") == 0 || strcmp (step, "lend") == 0)
      at_helper = true;
    else if (strcmp (step, "attach") == 0)
      at_helper = false;
  }
  return at_helper;
}

/* A job that ended between its claim and its use of it has left it. */
static bool
is_free (const struct slot *slot)
{
  return !slot->blocked && (slot->holder == NULL || !uses_slot (slot->holder));
}

static size_t
count_free (const struct helper *helper)
{
  size_t n = 0;

  for (size_t i = 0; i < helper->slots.len; i++)
    n += is_free (&helper->slots.ptr[i]);
  return n;
}

/* The evidence of its repair is worth more than any number of slots. */
static size_t
worth (const struct helper *helper, const struct job *job)
{
  size_t n = count_free (helper);
  const char *kept = json_str (job->facts, "evidence_on", "");

  if (helper->dead || !serves (helper, job->binding, job->before))
    return 0;
  return n && strcmp (kept, helper->name) == 0 ? SIZE_MAX : n;
}

bool
helpers_claim (struct helpers *helpers, struct job *job)
{
  struct helper *best = NULL;
  size_t most = 0;

  if (json_at (job->facts, "helper"))
    return true;
  for (size_t i = 0; helpers && i < helpers->all.len; i++) {
    struct helper *helper = helpers->all.ptr[i];
    size_t n = worth (helper, job);

    if (n > most) {
      most = n;
      best = helper;
    }
  }
  for (size_t i = 0; best && i < best->slots.len; i++) {
    struct slot *slot = &best->slots.ptr[i];

    if (!is_free (slot))
      continue;
    if (slot->holder)
      helpers_release (helpers, slot->holder);
    slot->holder = job;
    job_set_fact (job, "helper",
                  json_make ("{s:s,s:s,s:s,s:s,s:b}", "name", best->name, "vm",
                             json_str (best->record, "id", ""), "slot",
                             slot->name, "devices", best->devices, "remote",
                             (int)best->remote));
    job_set_fact (job, "helped_by", json_string (best->name));
    return true;
  }
  return false;
}

bool
helpers_may_clear (const struct helpers *helpers, const struct job *job)
{
  for (size_t i = 0; helpers && i < helpers->all.len; i++) {
    const struct helper *helper = helpers->all.ptr[i];

    if (helper->dead || !serves (helper, job->binding, job->before))
      continue;
    for (size_t j = 0; j < helper->slots.len; j++) {
      const struct slot *slot = &helper->slots.ptr[j];

      if (is_free (slot) ||
          (!slot->blocked && slot->holder->phase != PHASE_ENDED))
        return true;
    }
  }
  return false;
}

void
helpers_release (struct helpers *helpers, struct job *job)
{
  struct helper *helper =
      helper_of (helpers, json_str (job->facts, "helper.name", ""));

  for (size_t i = 0; helper && i < helper->slots.len; i++)
    if (helper->slots.ptr[i].holder == job)
      helper->slots.ptr[i].holder = NULL;
  job_set_fact (job, "helper", NULL);
}

void
helpers_adopt (struct helpers *helpers, struct job *job)
{
  struct helper *helper =
      helper_of (helpers, json_str (job->facts, "helper.name", ""));

  if (helper)
    slot_of (helper, json_str (job->facts, "helper.slot", ""))->holder = job;
}
