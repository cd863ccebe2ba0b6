/* Prints "WHAT SERVICE ACTION PARAMETERS" for every request, for a comparison
 * with botocore's models (tests/integration/aws-model.sh). */

#include "requests.h"

#include <stdio.h>

#include <net/http.h>

static void
print (void *opaque, const char *what, const struct http_request *req)
{
  CLEANUP_FREE char *action = action_of (req);

  (void)opaque;
  printf ("%s %s %s %s\n", what, req->sign_service, action, req->body);
}

int
main (void)
{
  each_request (print, NULL);
  return 0;
}
