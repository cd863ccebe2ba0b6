#include "usage.h"

#include <limits.h>
#include <string.h>

#include "image.h"

/* QEMU itself gives up at 200. */
#define MAX_CHAIN 200

char *
canonical_path (const char *path)
{
  char resolved[PATH_MAX];

  return xstrdup (*path == '/' && realpath (path, resolved) ? resolved : path);
}

void
image_chain (const char *path, const char *format, struct str_vec *chain)
{
  CLEANUP_FREE char *at = xstrdup (path);

  if (strcmp (format, "qcow2") != 0)
    return;
  for (int i = 0; i < MAX_CHAIN; i++) {
    CLEANUP_IMAGE struct image image;

    /* Below the first layer the format is not known for sure; a file that is
     * no qcow2 is the end of the chain. */
    image_look (at, "qcow2", &image);
    if (image.state != IMAGE_OK || image.backing == NULL)
      return;
    str_vec_push (chain, xstrdup (image.backing));
    free (at);
    at = TAKE (image.backing);
  }
}

static void
add_use (struct usage *usage, const struct domain_xml *domain, const char *path,
         bool active, bool backing)
{
  struct use *use = xcalloc (1, sizeof *use);

  use->path = canonical_path (path);
  use->uuid = xstrdup (domain->uuid ? domain->uuid : "");
  use->domain = xstrdup (domain->name ? domain->name : "");
  use->active = active;
  use->backing = backing;
  use_vec_push (&usage->uses, use);
}

void
usage_add (struct usage *usage, const struct domain_xml *domain, bool active,
           bool look)
{
  for (size_t i = 0; i < domain->disks.len; i++) {
    const struct disk_xml *disk = domain->disks.ptr[i];
    struct str_vec chain = VEC_EMPTY;

    if (disk->source == NULL)
      continue;
    add_use (usage, domain, disk->source, active, false);
    for (size_t j = 0; j < disk->backing.len; j++)
      add_use (usage, domain, disk->backing.ptr[j], active, true);
    if (look && disk->backing.len == 0)
      image_chain (disk->source, disk->format, &chain);
    for (size_t j = 0; j < chain.len; j++)
      add_use (usage, domain, chain.ptr[j], active, true);
    str_vec_free_all (&chain);
  }
}

static int
by_path (const void *a, const void *b)
{
  const struct use *const *left = a, *const *right = b;

  return strcmp ((*left)->path, (*right)->path);
}

void
usage_seal (struct usage *usage)
{
  if (usage->uses.len)
    qsort (usage->uses.ptr, usage->uses.len, sizeof (struct use *), by_path);
}

/* The index of the first use that is not before path. */
static size_t
first_of (const struct usage *usage, const char *path)
{
  size_t low = 0, high = usage->uses.len;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (strcmp (usage->uses.ptr[middle]->path, path) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

const struct use *
usage_by_other (const struct usage *usage, const char *path, const char *uuid,
                bool backing)
{
  CLEANUP_FREE char *canonical = canonical_path (path);
  const struct use *found = NULL;

  for (size_t i = first_of (usage, canonical); i < usage->uses.len; i++) {
    const struct use *use = usage->uses.ptr[i];

    if (strcmp (use->path, canonical) != 0)
      break;
    if (strcmp (use->uuid, uuid) == 0 || use->backing != backing)
      continue;
    if (use->active)
      return use;
    if (found == NULL)
      found = use;
  }
  return found;
}

const struct use *
usage_below_itself (const struct usage *usage, const char *path,
                    const char *uuid)
{
  CLEANUP_FREE char *canonical = canonical_path (path);

  for (size_t i = first_of (usage, canonical); i < usage->uses.len; i++) {
    const struct use *use = usage->uses.ptr[i];

    if (strcmp (use->path, canonical) != 0)
      break;
    if (use->backing && strcmp (use->uuid, uuid) == 0)
      return use;
  }
  return NULL;
}

void
usage_release (struct usage *usage)
{
  for (size_t i = 0; i < usage->uses.len; i++) {
    free (usage->uses.ptr[i]->path);
    free (usage->uses.ptr[i]->uuid);
    free (usage->uses.ptr[i]->domain);
    free (usage->uses.ptr[i]);
  }
  use_vec_release (&usage->uses);
}
