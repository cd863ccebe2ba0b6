/* `bootmend diagnose` of VMs: their disks, where these can be read as they are.
 * A VM that runs writes to its disk, so only those that are off are looked
 * into; what a look at a disk changes goes to an overlay (disk-ops/work.h). */

#include "diagnose.h"

#include <string.h>
#include <unistd.h>

#include <base/log.h>
#include <controller/job.h>
#include <providers/vm.h>

#include "disk-run.h"
#include "inspect-recipes.h"

static bool
is_in_place (const struct job *job)
{
  return (job->binding->provider->caps & CAP_IN_PLACE) != 0;
}

/* NULL: it can be read. */
static char *
why_unread (const struct job *job)
{
  const json_t *vm = job->now;
  const char *path = json_str (vm, "os_disk.path", NULL);

  if (!is_in_place (job))
    return xasprintf ("%s: its disks can't be read from here; diagnose a copy "
                      "of a disk on a helper, as a block device",
                      job->binding->provider->name);
  if (!vm_is_power (vm, "stopped"))
    return xasprintf ("the VM is %s; switch it off, or diagnose a copy",
                      json_str (vm, "power", "in an unknown state"));
  if (path == NULL)
    return xstrdup ("the VM has no OS disk, or one without a path");
  if (access (path, R_OK) != 0)
    return xasprintf ("%s can't be read on this machine", path);
  return NULL;
}

/* Those that can be read, as images; `of` has the reading of each. */
static void
choose (struct vm_reading *readings, size_t n, struct image_vec *images,
        size_t *of)
{
  for (size_t i = 0; i < n; i++) {
    const struct job *job = readings[i].job;

    readings[i].disk_unread = why_unread (job);
    if (readings[i].disk_unread)
      continue;
    of[images->len] = i;
    image_vec_push (images,
                    (struct image){.name = xstrdup (job->name),
                                   .path = xstrdup (
                                       json_str (job->now, "os_disk.path", "")),
                                   .format = xstrdup (
                                       json_str (job->now, "os_disk.format",
                                                 "raw"))});
  }
}

static void
take_result (struct vm_reading *reading, const json_t *result)
{
  reading->disk = diagnose_findings (result);
  if (reading->disk == NULL)
    reading->disk_unread = result_what (result);
}

static int
read_all (struct cli *cli, struct vm_reading *readings,
          struct image_vec *images, const size_t *of, struct err **err)
{
  CLEANUP_FREE struct disk_work *works = xcalloc (images->len, sizeof *works);
  CLEANUP_JSON json_t *recipes = recipes_to_try (err);
  CLEANUP_DISK_RUN struct disk_run *run =
      recipes ? disk_run_new (cli, images->len, err) : NULL;

  if (run == NULL)
    return -1;
  for (size_t i = 0; i < images->len; i++)
    works[i] =
        (struct disk_work){.image = &images->ptr[i],
                           .request = diagnose_request (cli, &images->ptr[i],
                                                        recipes)};
  disk_run_work (run, works, images->len);
  disk_run_end_display (run);
  for (size_t i = 0; i < images->len; i++) {
    take_result (&readings[of[i]], works[i].result);
    json_decref (works[i].request);
    json_decref (works[i].result);
  }
  return 0;
}

/* A whole fleet is told once. */
static void
warn (const struct vm_reading *readings, size_t n)
{
  size_t running = 0, away = 0;

  for (size_t i = 0; i < n; i++)
    if (!is_in_place (readings[i].job))
      away++;
    else
      running += !vm_is_power (readings[i].job->now, "stopped");
  if (running)
    log_warn ("of %zu VMs that are not off only the consoles were read, not "
              "the disks",
              running);
  if (away)
    log_warn ("of %zu VMs only the consoles were read: their disks are out of "
              "reach from here",
              away);
}

void
diagnose_vm_disks (struct cli *cli, struct vm_reading *readings, size_t n)
{
  CLEANUP_IMAGES struct image_vec images = VEC_EMPTY;
  CLEANUP_FREE size_t *of = xcalloc (n + 1, sizeof *of);
  CLEANUP_ERR struct err *err = NULL;

  choose (readings, n, &images, of);
  if (images.len && read_all (cli, readings, &images, of, &err) == -1) {
    log_warn ("the disks of VMs that are off were not read: %s", err->msg);
    for (size_t i = 0; i < images.len; i++)
      readings[of[i]].disk_unread = xstrdup (err->msg);
  }
  warn (readings, n);
}
