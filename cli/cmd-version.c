#include "command.h"

#include <stdio.h>

#include <protocol/protocol.h>

#include "output.h"

int
cmd_version (struct cli *cli, struct err **err)
{
  (void)err;
  if (options_flag (cli->options, "json"))
    output_json ("version",
                 json_make ("{s:s,s:i,s:i}", "version", BOOTMEND_VERSION,
                            "protocol", PROTOCOL_VERSION, "output",
                            OUTPUT_VERSION));
  else
    printf ("bootmend %s (agent protocol %d, JSON output %d)\n",
            BOOTMEND_VERSION, PROTOCOL_VERSION, OUTPUT_VERSION);
  return EXIT_ALL_WELL;
}
