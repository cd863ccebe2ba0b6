/* The appliance of this machine: found, or built once.
 *
 *   CLEANUP_FREE char *folder = appliance_cache_folder ();
 *   struct appliance_cache_options how = { .mode = APPLIANCE_AUTO };
 *   CLEANUP_APPLIANCE_IMAGE struct appliance_image image = { 0 };
 *
 *   if (appliance_cache_find (folder, &how, &image, err) == -1 ||
 *       appliance_apply (&image, true, g, err) == -1) ...
 *   if (guestfs_launch (g) == -1) {
 *     appliance_cache_distrust (&image, guestfs_last_error (g));
 *     ... again with another handle and appliance_apply (&image, false, ...)
 *
 * The lean appliance starts in a third of the time of the stock one
 * (docs/appliance.md).  It is made of the kernel and the root image that
 * supermin built for libguestfs, which are not copied but linked to, and an
 * initrd of ours.  What is found has been proven by a start when it was built,
 * fits the packages and kernel that are installed now, and is whole. */

#ifndef BOOTMEND_APPLIANCE_CACHE_H
#define BOOTMEND_APPLIANCE_CACHE_H

#include "appliance-image.h"

enum appliance_mode {
  APPLIANCE_AUTO,  /* lean if it works here, else stock */
  APPLIANCE_LEAN,  /* lean or an error */
  APPLIANCE_STOCK, /* lean is turned off */
};

/* "auto", "lean", "stock"; -1 and ERR_USAGE for any other word. */
int appliance_mode_parse (const char *word, enum appliance_mode *ret,
                          struct err **err) ATTR_USE;
/* By BOOTMEND_APPLIANCE; APPLIANCE_AUTO if that is not set, or no such word. */
enum appliance_mode appliance_mode_default (void);

struct appliance_cache_options {
  enum appliance_mode mode;
  bool force_tcg; /* for the trial start */
  bool again;     /* try now what failed a short while ago */
};

/* "appliance" in the state folder. */
char *appliance_cache_folder (void);

/* Fills ret (empty before).  The first call on a machine builds: 15 s, or 6 s
 * if libguestfs has been used here before; others wait meanwhile.  Unless the
 * mode is APPLIANCE_LEAN it does not fail: what cannot be had is NULL in ret,
 * and ret->note says why. */
int appliance_cache_find (const char *cache_folder,
                          const struct appliance_cache_options *options,
                          struct appliance_image *ret,
                          struct err **err) ATTR_USE;

/* For `bootmend-agent --prepare`: does ahead what the first repair on a machine
 * would have to wait for, in appliance_cache_folder (), trying again what
 * failed before.  *note (to be freed) says what is there now.  -1 if the mode's
 * appliance cannot be had; in APPLIANCE_AUTO only if there is none at all. */
int appliance_prepare (enum appliance_mode mode, bool force_tcg, char **note,
                       struct err **err) ATTR_USE;

/* A launch of image->lean failed: before the next use it is tried, and built
 * anew if it fails again. */
void appliance_cache_distrust (const struct appliance_image *image,
                               const char *why);

#endif
