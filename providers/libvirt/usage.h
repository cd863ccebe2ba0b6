/* Who else uses an image: all disks of all domains of one daemon, with the
 * files below them.
 *
 * A disk that is a backing file of another one's image must never be written:
 * every image on top of it would turn to garbage. */

#ifndef BOOTMEND_LIBVIRT_USAGE_H
#define BOOTMEND_LIBVIRT_USAGE_H

#include <stdbool.h>

#include <base/vec.h>

#include "domain-xml.h"

struct use {
  char *path; /* canonical */
  char *uuid, *domain;
  bool active;
  bool backing; /* not the disk itself but something below it */
};

DEFINE_VEC (struct use *, use_vec);

struct usage {
  struct use_vec uses; /* sorted by path once usage_seal was called */
};

/* Adds the disks of a domain; look: the images are on this machine, so that
 * their chains can be followed. */
void usage_add (struct usage *usage, const struct domain_xml *domain,
                bool active, bool look);
void usage_seal (struct usage *usage);
/* The first use of a path by a domain other than uuid: by an active one, as a
 * backing file (`backing`) or as a disk; NULL if there is none. */
const struct use *usage_by_other (const struct usage *usage, const char *path,
                                  const char *uuid, bool backing);
/* The first use of a path as a backing file by the domain itself. */
const struct use *usage_below_itself (const struct usage *usage,
                                      const char *path, const char *uuid);
void usage_release (struct usage *usage);

/* The files below an image, nearest first, by the headers of the images. */
void image_chain (const char *path, const char *format, struct str_vec *chain);
/* realpath, or a copy of what is none. */
char *canonical_path (const char *path);

#endif
