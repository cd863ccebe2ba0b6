/* dump-tool KIND ADDRESS > MEMORY.DMP
 *
 * A dump of a stop 0x50 at that address: 0xfffff80312345678 is in acme.sys.
 * KIND is the number of the dump's type: 1, 5, 8 or 10. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <base/files.h>

#include "dump-make.h"

int
main (int argc, char **argv)
{
  struct dump_bytes dump;
  int r;

  if (argc != 3) {
    fputs ("usage: dump-tool KIND ADDRESS\n", stderr);
    return 2;
  }
  dump =
      dump_make ((enum dump_kind)atoi (argv[1]), strtoull (argv[2], NULL, 0));
  r = write_all (STDOUT_FILENO, dump.ptr, dump.len);
  free (dump.ptr);
  return r == 0 ? 0 : 1;
}
