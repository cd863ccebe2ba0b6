/* How an appliance is built, apart from how builds are kept: the cache is
 * tested with a builder that builds nothing. */

#ifndef BOOTMEND_APPLIANCE_BUILD_H
#define BOOTMEND_APPLIANCE_BUILD_H

#include <base/strbuf.h>

#include "appliance-cache.h"

struct appliance_builder {
  /* Adds to the fingerprint all that the outcome depends on. */
  int (*inputs) (void *opaque, struct strbuf *fingerprint, struct err **err);
  /* Fills folder/stock with README.fixed, kernel, initrd and root, by way of
   * libguestfs's own cache, or, if fresh, without trusting that. */
  int (*make_stock) (void *opaque, const char *folder, bool fresh,
                     struct err **err);
  /* Fills folder/lean from folder/stock. */
  int (*make_lean) (void *opaque, const char *folder, struct err **err);
  int (*try_lean) (void *opaque, const struct appliance_image *image,
                   bool force_tcg, const char *scratch, struct err **err);
  /* Path of bootmend-qemu, or NULL. */
  char *(*wrapper) (void *opaque);
  void *opaque;
};

extern const struct appliance_builder appliance_builder;

int appliance_cache_find_with (const struct appliance_builder *builder,
                               const char *cache_folder,
                               const struct appliance_cache_options *options,
                               struct appliance_image *ret,
                               struct err **err) ATTR_USE;

/* Gives `to` the content of `from`: a link if both are on one file system, else
 * a copy that keeps holes, or shares blocks where the file system can. */
int appliance_link (const char *from, const char *to,
                    struct err **err) ATTR_USE;

#endif
