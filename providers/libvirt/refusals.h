/* Why a domain is left alone, as a table: what libvirt and the image say is
 * collected first (record.c), then every row looks at it.
 *
 * The codes are stable; docs/libvirt.md and the man page list them. */

#ifndef BOOTMEND_LIBVIRT_REFUSALS_H
#define BOOTMEND_LIBVIRT_REFUSALS_H

#include <stdbool.h>

#include <base/json.h>

#include "domain-xml.h"
#include "image.h"
#include "usage.h"

struct preflight {
  const char *uri;
  bool remote;
  int state, reason; /* virDomainState and the reason that goes with it */
  bool persistent, managed_save, autostart;
  int checkpoints;
  const struct domain_xml *config; /* what the next start will use */
  const struct domain_xml *live;   /* NULL: not running */
  const struct disk_xml *disk;     /* the OS disk of config, or NULL */
  const char *path;                /* where it is here; NULL: nowhere */
  const char *path_why;            /* why a volume has no path */
  const struct image *image;       /* NULL: not looked at */
  const struct usage *usage;
  const struct str_vec *overlays; /* files of external snapshots */
  int snapshots;
};

/* Adds "refusals" and "warnings" to the record. */
void preflight_judge (const struct preflight *p, json_t *vm);

/* For tests of the docs: code i, or NULL after the last. */
const char *refusal_code (size_t i);
const char *warning_code (size_t i);

#endif
