"""Files that come with a request: checked and kept as every file is, but for none of them is the request refused."""

from collections.abc import Sequence

from starlette.datastructures import UploadFile

from api.attachments import keep_file
from api.problems import REFUSED, Problem, Unavailable
from api.service import Service
from api.uploads import HEAD, kind_of
from domain.roles import Actor
from ledger.errors import CaseErased, TooManyFiles


async def keep_files(jiesu: Service, number: str, actor: Actor, files: Sequence[UploadFile]) -> str:
    """Attach files to a case; returns a sentence in Chinese on those that were not kept, if any."""
    why = [reason for file in files if (reason := await _refused(jiesu, number, actor, file))]
    return f"随附的文件有{len(why)}个未保存：{''.join(dict.fromkeys(why))}" if why else ""


async def _refused(jiesu: Service, number: str, actor: Actor, file: UploadFile) -> str | None:
    if not file.size:
        return None
    head = await file.read(HEAD)
    await file.seek(0)
    try:
        # What apps call a photograph is often `image/*`, or the type of the whole form.
        kind = kind_of(head, "", file.size)
        await keep_file(jiesu, number, actor, file.file, kind)
    except Problem as problem:
        return problem.detail_zh
    except (CaseErased, TooManyFiles) as error:
        return REFUSED[type(error)][3]
    except Unavailable:
        return "附件暂时无法保存。"
    return None
