/* Parsed metadata as JSON and back, for a process that parses and another one
 * that uses the result.
 *
 * It holds all of struct fve, a clear key too: it is as secret as the metadata
 * block.  What comes back is checked like the block itself: whoever parsed it
 * may have been taken over by what it read. */

#ifndef BOOTMEND_FVE_WIRE_H
#define BOOTMEND_FVE_WIRE_H

#include "fve.h"

json_t *fve_header_to_wire (const struct fve_header *header);
int fve_header_from_wire (const json_t *json, struct fve_header *header,
                          struct err **err) ATTR_USE;

json_t *fve_to_wire (const struct fve *fve);
/* ERR_INPUT: not all is there, or it makes no sense.  *fve must be released in
 * any case. */
int fve_from_wire (const json_t *json, struct fve *fve,
                   struct err **err) ATTR_USE;

#endif
