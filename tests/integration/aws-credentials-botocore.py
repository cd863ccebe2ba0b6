"""Which credentials botocore finds: {"id": ..., "token": ...} or {"error": ...}.

    aws-credentials-botocore.py version          prints it, and "roles" or "no-roles"
    aws-credentials-botocore.py find [PROFILE]   PROFILE named by the program

It is the plain package, or the one within Debian's awscli.
"""
import json
import sys

try:
    import botocore.configprovider as configprovider
    import botocore.session as sessions
    from botocore import __version__
except ImportError:
    import awscli.botocore.configprovider as configprovider
    import awscli.botocore.session as sessions
    from awscli.botocore import __version__


def find(profile):
    session = sessions.Session(profile=profile)
    found = session.get_credentials()
    if found is None:
        return {"error": "none"}
    frozen = found.get_frozen_credentials()
    return {"id": frozen.access_key, "secret": frozen.secret_key, "token": frozen.token is not None}


if sys.argv[1] == "version":
    # Whether it takes AWS_ENDPOINT_URL_STS, so that roles can be compared.
    knows = hasattr(configprovider, "ConfiguredEndpointProvider")
    print(__version__, "roles" if knows else "no-roles")
else:
    try:
        print(json.dumps(find(sys.argv[2] if len(sys.argv) > 2 else None)))
    except Exception as e:  # every way to fail is the same to us
        print(json.dumps({"error": type(e).__name__}))
