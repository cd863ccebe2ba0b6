/* What the simulated provider makes at our request: snapshots, and disks from
 * snapshots or from other disks. */

#include "fake-cloud.h"

#include <stdio.h>
#include <string.h>

static const struct fake_made *
made_of (const struct fake_vm *vm, const char *id)
{
  for (size_t i = 0; i < vm->n_made; i++)
    if (strcmp (vm->made[i].id, id) == 0)
      return &vm->made[i];
  return NULL;
}

static struct err *
not_now (const char *why)
{
  struct err *err = NULL;

  err_set (&err, ERR_CONFLICT, "%s", why);
  return err;
}

/* What a new thing holds; NULL: its source can't be used. */
static const struct fake_content *
content_of (struct fake_vm *vm, enum op_id op, const json_t *in)
{
  const char *source = json_str (in, "source.id", "");
  const struct fake_made *made = made_of (vm, source);
  struct fake_disk *disk =
      fake_disk_of (vm,
                    op == OP_SNAPSHOT ? json_str (in, "disk.id", "") : source);

  if (disk)
    return &disk->content;
  return made && made->ready_ms <= fake_now (vm->cloud) ? &made->content : NULL;
}

static void
disk_is_ready (struct fake_cloud *cloud, struct fake_event *event)
{
  (void)cloud;
  event->disk->busy = false;
  fake_disk_changed (event->disk);
}

static struct err *
make_disk (struct fake_vm *vm, const struct fake_made *made)
{
  struct fake_disk *disk = fake_disk_new (vm, made->id, &made->content);

  if (disk == NULL)
    return not_now ("there are too many disks");
  disk->busy = true;
  fake_disk_changed (disk);
  fake_event_add (vm->cloud, made->ready_ms - fake_now (vm->cloud),
                  disk_is_ready, vm)
      ->disk = disk;
  return NULL;
}

struct err *
fake_make (struct fake_vm *vm, enum op_id op, const json_t *in, json_t **out)
{
  const struct fake_content *content = content_of (vm, op, in);
  struct fake_made *made = &vm->made[vm->n_made];
  const char *kind = op == OP_SNAPSHOT ? "snapshot" : "disk";
  struct err *err = NULL;

  if (content == NULL || vm->n_made == FAKE_MADE)
    return not_now ("its source can't be used");
  *made = (struct fake_made){.snapshot = op == OP_SNAPSHOT,
                             .made_ms = fake_now (vm->cloud),
                             .content = *content};
  made->ready_ms =
      made->made_ms + (fake_chance (vm->cloud, 100)
                           ? fake_between (vm->cloud, 60000, 3600000)
                           : fake_between (vm->cloud, 500, 20000));
  snprintf (made->id, sizeof made->id, "%.12s-%s-%zu", vm->id, kind,
            vm->n_made + 1);
  strncpy (made->token, json_str (in, "token", ""), sizeof made->token - 1);
  if (op == OP_DISK_FROM)
    err = make_disk (vm, made);
  if (err)
    return err;
  vm->n_made++;
  fake_trace (vm->cloud, "%s is made", made->id);
  *out = json_make ("{s:{s:s,s:s}}", "created", "kind", kind, "id", made->id);
  return NULL;
}

/* Two from before the time that the campaigns give, and one from after it.  The
 * guest was well then, mostly. */
static const struct {
  const char *created;
  bool bad;
} olds[] = {{"2024-07-01T00:00:00Z", true},
            {"2024-07-17T12:00:00+02:00", false},
            {"2024-07-18T00:00:00Z", true}};

void
fake_snapshots_init (struct fake_vm *vm)
{
  if (vm->index % 7 == 6)
    return;
  for (size_t i = 0; i < ARRAY_SIZE (olds); i++) {
    struct fake_made *made = &vm->made[vm->n_made++];

    *made = (struct fake_made){.snapshot = true,
                               .content = {.boot_file = true,
                                           .bad_file = olds[i].bad ||
                                                       vm->index % 3 == 0,
                                           .version = (unsigned)i + 100}};
    snprintf (made->id, sizeof made->id, "%.12s-old-%zu", vm->id, i + 1);
  }
}

json_t *
fake_snapshots (const struct fake_vm *vm)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < vm->n_made; i++)
    if (strstr (vm->made[i].id, "-old-"))
      json_array_append_new (list, json_make ("{s:s,s:s}", "id", vm->made[i].id,
                                              "created", olds[i].created));
  return json_make ("{s:o}", "snapshots", list);
}

/* A list is as late as a describe. */
json_t *
fake_find_created (struct fake_cloud *cloud, const struct fake_account *account)
{
  int64_t age = fake_chance (cloud, cloud->config->stale)
                    ? fake_between (cloud, 0, account->kind->settle_ms)
                    : 0;
  json_t *list = json_array ();

  for (size_t i = 0; i < cloud->n_vms; i++)
    for (size_t j = 0; j < cloud->vms[i].n_made; j++) {
      const struct fake_made *made = &cloud->vms[i].made[j];

      if (cloud->vms[i].account == account && *made->token &&
          made->made_ms <= fake_now (cloud) - age)
        json_array_append_new (list,
                               json_make ("{s:s,s:s,s:s}", "kind",
                                          made->snapshot ? "snapshot" : "disk",
                                          "id", made->id, "token",
                                          made->token));
    }
  return json_make ("{s:o}", "created", list);
}
