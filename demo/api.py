"""Home Assistant's own REST and websocket interfaces, as a browser uses them."""

import asyncio
from http import HTTPStatus
from itertools import count
from typing import Any, Self

import aiohttp

from .errors import DemoError

#: Seconds for one answer; an action may wait for a sleeping device, a starting Home Assistant answers late.
ANSWER = 120.0


class Api:
    """A signed-in session; use as an asynchronous context. ``url`` has no slash at its end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client_id = f"{url}/"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER))
        self._token = ""
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._numbers = count(1)
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._socket is not None:
            await self._socket.close()
        await self._session.close()

    async def reachable(self) -> bool:
        """Return whether Home Assistant serves its page; ``/api/onboarding`` would say 404 once that is done."""
        try:
            async with self._session.get(f"{self._url}/manifest.json") as response:
                return response.status == HTTPStatus.OK
        except aiohttp.ClientError:
            return False

    async def onboarded(self) -> bool:
        """Return whether Home Assistant has its owner."""
        async with self._session.get(f"{self._url}/api/onboarding") as response:
            if response.status == HTTPStatus.NOT_FOUND:  # it was done before this start
                return True
            return all(step["done"] for step in await response.json())

    async def create_user(self, user: str, password: str) -> None:
        """Do the onboarding step that makes the owner, and sign in."""
        wanted = {"name": user.title(), "username": user, "password": password, "language": "en", "client_id": self._client_id}
        answer = await self.post("/api/onboarding/users", wanted)
        await self._exchange(answer["auth_code"])

    async def sign_in(self, user: str, password: str) -> None:
        """Sign in as the login page does."""
        start = {"client_id": self._client_id, "handler": ["homeassistant", None], "redirect_uri": self._client_id}
        flow = await self.post("/auth/login_flow", start)
        form = {"client_id": self._client_id, "username": user, "password": password}
        answer = await self.post(f"/auth/login_flow/{flow['flow_id']}", form)
        if answer["type"] != "create_entry":
            raise DemoError("Home Assistant refuses the user and password of this configuration folder")
        await self._exchange(answer["result"])

    async def _exchange(self, code: str) -> None:
        form = {"client_id": self._client_id, "grant_type": "authorization_code", "code": code}
        async with self._session.post(f"{self._url}/auth/token", data=form) as response:
            self._token = (await response.json())["access_token"]
        self._socket = await self._session.ws_connect(f"{self._url}/api/websocket", max_msg_size=0)
        await self._socket.receive_json()
        await self._socket.send_json({"type": "auth", "access_token": self._token})
        await self._socket.receive_json()

    async def get(self, path: str) -> Any:
        """Return the JSON answer to a GET request; DemoError unless it succeeded."""
        return await self._request("GET", path)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON answer to a POST request; DemoError unless it succeeded."""
        return await self._request("POST", path, body)

    async def delete(self, path: str) -> Any:
        """Return the JSON answer to a DELETE request; DemoError unless it succeeded."""
        return await self._request("DELETE", path)

    async def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            async with self._session.request(method, f"{self._url}{path}", json=body, headers=headers) as response:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise DemoError(f"{method} {path}: {response.status} {await response.text()}")
                return await response.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DemoError(f"{method} {path}: {error!r}") from error

    async def command(self, kind: str, **fields: Any) -> Any:
        """Return the result of a websocket command; DemoError unless it succeeded."""
        if self._socket is None:
            raise DemoError("not signed in")
        async with self._turn:
            number = next(self._numbers)
            await self._socket.send_json({"id": number, "type": kind, **fields})
            while (answer := await self._socket.receive_json(timeout=ANSWER)).get("id") != number:
                pass
        if not answer["success"]:
            raise DemoError(f"{kind}: {answer['error']}")
        return answer["result"]
