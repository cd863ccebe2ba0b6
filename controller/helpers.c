#include "helpers.h"

#include <string.h>

#include <base/vec.h>

struct slot {
  char *name;
  const struct job *holder; /* NULL: it is free */
};
DEFINE_VEC (struct slot, slot_vec);

struct helper {
  char *name, *devices;
  const struct binding *binding;
  json_t *record;
  struct slot_vec slots;
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
    helper_vec_push (&helpers->all, helper);
    json_array_foreach (slots, i, slot)
        slot_of (helper, json_string_value (slot));
  }
  json_decref (helper->record);
  helper->record = json_deep_copy (record);
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

static size_t
count_free (const struct helper *helper)
{
  size_t n = 0;

  for (size_t i = 0; i < helper->slots.len; i++)
    n += helper->slots.ptr[i].holder == NULL;
  return n;
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
    size_t n =
        serves (helper, job->binding, job->before) ? count_free (helper) : 0;

    if (n > most) {
      most = n;
      best = helper;
    }
  }
  for (size_t i = 0; best && i < best->slots.len; i++) {
    struct slot *slot = &best->slots.ptr[i];

    if (slot->holder)
      continue;
    slot->holder = job;
    job_set_fact (job, "helper",
                  json_make ("{s:s,s:s,s:s,s:s}", "name", best->name, "vm",
                             json_str (best->record, "id", ""), "slot",
                             slot->name, "devices", best->devices));
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

    if (!serves (helper, job->binding, job->before))
      continue;
    for (size_t j = 0; j < helper->slots.len; j++) {
      const struct job *holder = helper->slots.ptr[j].holder;

      if (holder == NULL || holder->phase != PHASE_ENDED)
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
