"""The program `deploy` and its verbs."""

from __future__ import annotations

from deploycharts.cli.verbs import Verbs

VERBS = {
    "run": "Roll out, the default verb: deploy staging NAME",
    "plan": "Write down what a roll-out would do",
    "apply": "Carry out a plan that was written down, or say why it is stale",
    "diff": "Show what a deployment would change",
    "rollback": "Go back to the last good revision, or to one that is named",
    "test": "Ask what runs the checks that its service declares",
    "restart": "Make all pods anew",
    "remove": "Take a service away, from an environment or from everywhere",
    "image": "Give a service another image: edit the line that sets its tag",
    "hold": "Refuse to deploy a service somewhere until that is lifted",
    "unhold": "Lift the holds on a service and on contents of it",
    "status": "Which revision runs where, and what is wrong with it",
    "values": "Show the values of a service, and which line sets each of them",
    "cluster": "Make namespaces and identities of services; for administrators",
}

command = Verbs(
    "deploy",
    verbs=VERBS,
    package="deploycharts.cli.deploy",
    default="run",
    subcommand_metavar="ENVIRONMENT SERVICE... | COMMAND",
    help="Deploy services to staging, to a datacenter, or to production (all datacenters).",
    epilog="deploy ENVIRONMENT SERVICE is short for deploy run ENVIRONMENT SERVICE.",
)
