#include <base/secret.h>
#include <cli/command.h>

int
main (int argc, char **argv)
{
  (void)argc;
  /* Recovery keys and credentials of clouds pass through this process. */
  secret_no_core_dumps ();
  return cli_main ((const char *const *)argv);
}
