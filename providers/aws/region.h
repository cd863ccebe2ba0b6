/* What a binding means: its options, its region, its endpoint. */

#ifndef BOOTMEND_AWS_REGION_H
#define BOOTMEND_AWS_REGION_H

#include <providers/provider.h>

/* provider->open.  Gives the binding a config of its own, in which the options
 * of the command line have their short names (--aws-kms-check is "kms-check";
 * what the selection says counts before them) and the environment's endpoint is
 * read, so that build functions read nothing; and a region.  Idempotent. */
int aws_open (struct binding *b, struct err **err);

#endif
