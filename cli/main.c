#include <cli/command.h>

int
main (int argc, char **argv)
{
  (void)argc;
  return cli_main ((const char *const *)argv);
}
