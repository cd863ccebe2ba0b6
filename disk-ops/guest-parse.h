/* Files of the guest for the parsers of parse.h: out of the appliance into
 * memory that nobody can change any more, and from there into the child. */

#ifndef BOOTMEND_GUEST_PARSE_H
#define BOOTMEND_GUEST_PARSE_H

#include "parse.h"

struct disk;

/* A file of the guest of which a parser may ask for pieces. */
struct guest_pieces {
  struct disk *disk;
  const char *path;
};

/* A parse of this disk's data, to be given inputs. */
void guest_parse_init (const struct disk *disk, const struct parser *parser,
                       struct parse *parse);

/* `bytes` of a file from its start, fewer if it is shorter, and zeros up to
 * `length`; path as guest_path_find gives it. */
int guest_parse_add (struct disk *disk, struct parse *parse, const char *path,
                     int64_t bytes, int64_t length, struct err **err) ATTR_USE;

/* The parser may ask for pieces of this file; `pieces` has to stay. */
void guest_parse_pieces (struct parse *parse, struct guest_pieces *pieces);

/* parse_run; that it ran without seccomp is noted once for the disk. */
int guest_parse_run (struct disk *disk, struct parse *parse,
                     struct err **err) ATTR_USE;

#endif
