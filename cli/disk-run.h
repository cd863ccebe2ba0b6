/* Image files and a local agent: work on a list of them, with progress and ^C.
 *
 *   images_find (cli, &images, &err);
 *   run = disk_run_new (cli, images.len, &err);
 *   disk_run_work (run, works, n, &err);      // as often as needed
 *   disk_run_free (run);
 */

#ifndef BOOTMEND_DISK_RUN_H
#define BOOTMEND_DISK_RUN_H

#include "command.h"

/* An image of the command line. */
struct image {
  char *name;   /* as the operator wrote it */
  char *path;   /* absolute, links followed; NULL: it can't be opened */
  char *format; /* "raw", "qcow2"; NULL: as above */
  struct err *err;
};
DEFINE_VEC (struct image, image_vec);

/* The words of the command line.  What is wrong with one image is that image's
 * error; the same file twice is ERR_USAGE. */
int images_find (const struct cli *cli, struct image_vec *images,
                 struct err **err) ATTR_USE;
/* The same for other names; format as --format says it. */
int images_named (const struct str_vec *names, const char *format,
                  struct image_vec *images, struct err **err) ATTR_USE;
void images_release (struct image_vec *images);
#define CLEANUP_IMAGES CLEANUP (images_release)

/* --format auto.  By the first bytes of the file on this machine, and by its
 * name where those could deceive: a guest can write the first bytes of a raw
 * disk, and would be given other files of this machine to read if its disk
 * were then opened as qcow2.  So "qcow2" takes both, and a contradiction is
 * ERR_USAGE. */
const char *image_guess_format (const char *path, const void *start, size_t len,
                                struct err **err);

/* One piece of work: the request without its envelope; its result. */
struct disk_work {
  const struct image *image;
  json_t *request; /* mode, recipe, ...; taken over */
  json_t *result;  /* NULL until there is one */
};

struct disk_run;

struct disk_run *disk_run_new (const struct cli *cli, size_t total,
                               struct err **err) ATTR_USE;
/* Works through all of them and sets each result; an agent that dies gives
 * "failed" results. */
void disk_run_work (struct disk_run *run, struct disk_work *works, size_t n);
/* An image that can't be worked on: its error as the result. */
json_t *disk_run_failed (struct disk_run *run, const struct image *image,
                         const struct err *err);
/* Takes the display off the screen: results come next.  The agent may still be
 * closing its appliance, which disk_run_free waits for. */
void disk_run_end_display (struct disk_run *run);
bool disk_run_was_stopped (const struct disk_run *run);
void disk_run_free (struct disk_run *run);
#define CLEANUP_DISK_RUN CLEANUP (cleanup_disk_run)
void cleanup_disk_run (struct disk_run **run);

/* "repaired", "refused", ... of a result. */
const char *result_outcome (const json_t *result);
/* Why, or what was done, in one line; to be freed. */
char *result_what (const json_t *result);
/* 0, 1 or 3 by how many of the results are good; 4 if stopped. */
int results_exit_code (const struct disk_work *works, size_t n, bool stopped);

#endif
