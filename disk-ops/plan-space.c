/* The action free-space: what fills a disk, and rotated logs. */

#include <string.h>

#include <base/strbuf.h>
#include <base/text.h>

#include "disk.h"
#include "guest-path.h"
#include "plan-linux.h"

/* What logrotate and journald leave: nothing reads it any more. */
static const char *const old_logs[] =
    {"/var/log/*.gz",           "/var/log/*.xz",
     "/var/log/*.zst",          "/var/log/*.[0-9]",
     "/var/log/*.old",          "/var/log/apt/*.gz",
     "/var/log/nginx/*.gz",     "/var/log/apache2/*.gz",
     "/var/log/httpd/*-[0-9]*", NULL};

static const char *const usage_folders[] = {"/var/log",   "/var/lib",
                                            "/var/cache", "/var/tmp",
                                            "/var/spool", "/home",
                                            "/opt",       "/srv",
                                            "/tmp",       "/root",
                                            "/usr",       NULL};

struct usage {
  const char *folder;
  int64_t bytes;
};

static int
largest_first (const void *a, const void *b)
{
  const struct usage *x = a, *y = b;

  return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

static int
report_usage (struct disk *disk, struct err **err)
{
  struct usage usage[ARRAY_SIZE (usage_folders)] = {0};
  struct guestfs_statvfs *st = guestfs_statvfs (disk->g, "/");
  CLEANUP_FREE char *free_text = NULL, *all_text = NULL;
  CLEANUP_STRBUF struct strbuf list = STRBUF_EMPTY;
  size_t n = 0;

  if (st == NULL)
    return disk_guest_error (disk, err, "statvfs");
  free_text = text_bytes ((uint64_t)(st->bavail * st->frsize));
  all_text = text_bytes ((uint64_t)(st->blocks * st->frsize));
  for (size_t i = 0; usage_folders[i]; i++) {
    CLEANUP_FREE char *there = NULL;

    if (guest_path_find_folder (disk, usage_folders[i], &there, NULL) != 1)
      continue;
    usage[n++] =
        (struct usage){usage_folders[i], guestfs_du (disk->g, there) * 1024};
  }
  qsort (usage, n, sizeof *usage, largest_first);
  for (size_t i = 0; i < n && i < 5 && usage[i].bytes > 0; i++) {
    CLEANUP_FREE char *bytes = text_bytes ((uint64_t)usage[i].bytes);

    strbuf_addf (&list, "%s%s %s", i ? ", " : "", usage[i].folder, bytes);
  }
  disk_note (disk, "%s of %s are free, %lld of %lld inodes; the largest: %s",
             free_text, all_text, (long long)st->favail, (long long)st->files,
             list.len ? list.buf : "nothing");
  guestfs_free_statvfs (st);
  return 0;
}

static int
plan_old_logs (struct disk *disk, const struct recipe_action *action,
               const char *pattern, struct err **err)
{
  CLEANUP_FREE char *parent = guest_path_parent (pattern), *there = NULL;
  CLEANUP_STRV char **found = NULL;
  int r = guest_path_find_folder (disk, parent, &there, err);

  if (r != 1)
    return r;
  r = guest_path_glob (disk, pattern, &found, err);
  for (size_t i = 0; r == 1 && found[i]; i++) {
    struct change change = {.action = action};

    r = guest_file_stat (disk, found[i], &change.file, err);
    if (r == 1 && change.file.regular)
      r = plan_push (disk, change, err) == -1 ? -1 : 1;
    else
      guest_file_release (&change.file);
    r = r == -1 ? -1 : 1;
  }
  return r == -1 ? -1 : 0;
}

int
plan_free_space (struct disk *disk, const struct recipe_action *action,
                 struct match_found *found, struct err **err)
{
  (void)found;
  if (report_usage (disk, err) == -1)
    return -1;
  for (size_t i = 0; action->rotated && old_logs[i]; i++)
    if (plan_old_logs (disk, action, old_logs[i], err) == -1)
      return -1;
  return 0;
}
