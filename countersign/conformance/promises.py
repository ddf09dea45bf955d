"""What every provider promises, in words: the table of docs/writing-a-provider.md, which a test holds to this one."""

PROMISES: dict[str, str] = {
    "C01": "refused before, let in from the grant on, refused after the revoke, and nothing is left",
    "C02": "granting twice is granting once",
    "C03": "revoking what is absent succeeds and changes nothing",
    "C04": "a revoke needs no receipt",
    "C05": "cut off before or after any call and run again, it converges, and nothing is left",
    "C06": "a lost answer is `Ambiguous`; silence ends with the deadline; `observe` then tells the truth",
    "C07": "standing access survives grant and revoke",
    "C08": "what stood there has the level, the options and the end that it had",
    "C09": "of grants that overlap each ends its own, in any order and at once",
    "C10": "the grants of two people are apart",
    "C11": "an open session is over after the revoke, or `residual` says it is not",
    "C12": "a client that keeps trying does not get in after the revoke has returned",
    "C13": "the target alone lets no one in after the end",
    "C14": "the target's own end is never early, nor later than its grain explains",
    "C15": "the target's own end moves, later and earlier; moving it opens nothing again",
    "C16": "access removed by hand is seen to be gone, and the revoke is content",
    "C17": "rights added by hand to what was granted are reported, and end with the rest",
    "C18": "what is ours and gives access is listed by any instance; a name alike, what was revoked and what was "
    "removed by hand are not",
    "C19": "what the target does not know is refused with the right error, and nothing is written",
    "C20": "hostile words are refused or taken exactly",
    "C21": "a credential of ours that is not accepted is said, and changes nothing; the check names the right that our "
    "account lacks, which opens nothing that it cannot end",
    "C22": "the check names, with a cure, an account of ours or a role that has too many privileges",
    "C23": "the secret is strong, fresh each time, and nowhere but in the answer",
    "C24": "a plan is pure, always the same, and names what the grant makes",
    "C25": "every row of the error table holds",
    "C26": "what the capabilities claim can be done, and all else is `Unsupported`",
    "C27": "receipts survive JSON, and those of earlier versions still revoke",
    "C28": "the person reaches what was granted and nothing beside",
    "C29": "the person can neither move the end nor pass the access on; what the target forbids no one is told at "
    "the end",
    "C30": "what is said to be open or ended is seen so by every instance, within the time that the target may take",
    "C31": "the holder's own locks do not hold up the end: open and prepared transactions, on the own account or "
    "anything the holder made",
    "C32": "another's locks do not either, and our waiting makes no one queue",
    "C33": "what a holder made never runs with our rights, no matter who runs it later",
    "C34": "names that others planted on the target are never called by us",
    "C35": "a session that is half-way in, or not shown, at the end has nothing afterwards",
    "C36": "what a holder leaves, however much, never delays the end",
    "C37": "an account of ours, or a role, that has too many privileges is refused and nothing is written; what is "
    "open still ends",
    "C38": "everyone who holds what the bot can give is listed, and what another gave is not taken for ours; it "
    "is seen when a role allows more",
    "C39": "our secret goes to the verified target alone: to a stand-in nothing is told, nothing is opened or "
    "revealed, and the error says what to change",
    "C40": "the printed statements end the access by hand, in their order, against every obstacle of C31 to C36",
    "C41": "all settings that lead to one server by one account name one target, others another, and no secret "
    "is needed for it",
}
