/* evtx_make for scripts: a list of events on stdin, an event log on stdout. */

#include <stdio.h>
#include <unistd.h>

#include <base/files.h>

#include "evtx-make.h"

int
main (void)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *events = json_parse_file ("/dev/stdin", 1 << 20, &err);
  struct evtx_bytes log;
  int r;

  if (events == NULL) {
    fprintf (stderr, "evtx-tool: %s\n", err->msg);
    return 2;
  }
  log = evtx_make (events, 1);
  r = write_all (STDOUT_FILENO, log.ptr, log.len);
  free (log.ptr);
  return r == 0 ? 0 : 1;
}
