"""The yardstick: DQN, evaluation and imitation the way most courses write them. Written for clarity, not to be slow."""

from __future__ import annotations

import copy
import random
from collections import deque
from itertools import pairwise
from pathlib import Path

import gymnasium
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from engine.learners.config import DQNConfig
from engine.learners.schedules import epsilon_at


def sequential(sizes: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


class TextbookDQN:
    """nn.Module, autograd, default Adam, a deque of tuples that is sampled and concatenated for every batch."""

    def __init__(self, config: DQNConfig) -> None:
        self.config = config
        self.env = gymnasium.make("CartPole-v1")
        self.network = sequential([4, *config.nn_hidden_layers, 2])
        self.target = copy.deepcopy(self.network)
        self.adam = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate)
        self.memory: deque[tuple[np.ndarray, int, float, np.ndarray, bool]] = deque(maxlen=config.memory_size)
        self.env_steps = 0
        self.gradient_steps = 0
        self.state, _ = self.env.reset(seed=config.seed % 2**31)

    def advance(self) -> None:
        config = self.config
        if random.random() < epsilon_at(config, self.env_steps):
            action = int(self.env.action_space.sample())
        else:
            with torch.no_grad():
                action = int(self.network(torch.from_numpy(self.state).unsqueeze(0)).argmax())
        next_state, reward, terminated, truncated, _ = self.env.step(action)
        self.memory.append((self.state, action, float(reward), next_state, terminated))
        self.state = self.env.reset()[0] if terminated or truncated else next_state
        self.env_steps += 1
        if self.env_steps % config.freq_steps_train == 0 and len(self.memory) >= config.n_steps_warm_up_memory:
            for _ in range(config.n_gradient_steps):
                self.gradient_step()
        if self.env_steps % config.freq_steps_update_target == 0:
            self.target.load_state_dict(self.network.state_dict())

    def gradient_step(self) -> None:
        config = self.config
        states, actions, rewards, next_states, ends = zip(*random.sample(self.memory, config.batch_size), strict=True)
        values = self.network(torch.from_numpy(np.stack(states)))
        picked = values.gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            following = self.target(torch.from_numpy(np.stack(next_states))).max(1).values
            going_on = 1 - torch.tensor(ends, dtype=torch.float32)
            targets = torch.tensor(rewards) + config.discount_factor * going_on * following
        loss = nn.functional.mse_loss(picked, targets)
        self.adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), config.max_grad_norm)
        self.adam.step()
        self.gradient_steps += 1


def textbook_evaluate(network: nn.Module, episodes: int, seed: int) -> list[float]:
    """Greedy episodes, one after another."""
    env = gymnasium.make("CartPole-v1")
    returns = []
    for episode in range(episodes):
        state, _ = env.reset(seed=seed + episode)
        total, over = 0.0, False
        while not over:
            with torch.no_grad():
                action = int(network(torch.from_numpy(state).unsqueeze(0)).argmax())
            state, reward, terminated, truncated, _ = env.step(action)
            total += float(reward)
            over = terminated or truncated
        returns.append(total)
    return returns


class FrameDataset(Dataset[tuple[torch.Tensor, int]]):
    """Looks every row up in a pandas frame."""

    def __init__(self, path: Path) -> None:
        self.frame = pd.read_csv(path)

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        row = self.frame.iloc[index]
        return torch.tensor(row[["s1", "s2", "s3", "s4"]].to_numpy(np.float32)), int(row["action"])


def textbook_imitation(hidden: list[int], train: Path, test: Path, epochs: int) -> None:
    """Supervised training with loss and accuracy a batch, and on the test rows after every epoch."""
    train_loader = DataLoader(FrameDataset(train), batch_size=64, shuffle=True)
    test_loader = DataLoader(FrameDataset(test), batch_size=64)
    network = sequential([4, *hidden, 2])
    adam = torch.optim.Adam(network.parameters())
    for _ in range(epochs):
        for states, actions in train_loader:
            outputs = network(states)
            loss = nn.functional.cross_entropy(outputs, actions)
            adam.zero_grad()
            loss.backward()
            adam.step()
            loss.item(), float((outputs.argmax(1) == actions).float().mean())
        with torch.no_grad():
            for states, actions in test_loader:
                outputs = network(states)
                float(nn.functional.cross_entropy(outputs, actions))
                float((outputs.argmax(1) == actions).float().mean())
