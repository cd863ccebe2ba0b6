/* The instance metadata service, version 2 only: version 1 would give keys to
 * whoever can make this machine fetch a URL. */

#ifndef BOOTMEND_AWS_IMDS_H
#define BOOTMEND_AWS_IMDS_H

#include "finder.h"

/* GET PATH ("/latest/...") with a session token, which is fetched once for a
 * search.  The reply can have any status.
 *
 * 0: a reply.  1: there is no metadata service (*why says so, to be freed).
 * -1: the settings are wrong, or it is there and failed. */
int imds_get (struct finder *f, const char *path, struct fetched *got,
              char **why, struct err **err) ATTR_USE;

/* This instance's region; NULL without error: there is no metadata service or
 * it does not tell. */
int imds_region (struct finder *f, char **ret, struct err **err) ATTR_USE;

#endif
